#!/bin/sh
# Tests that need Debian packages or root. Installs what they need, then runs them.
set -eu
cd "$(dirname "$0")/.."
if [ "$(id -u)" -ne 0 ]; then
  echo 'the lab needs root: it installs Debian packages and runs commands as other users' >&2
  exit 1
fi
missing=
for package in libarchive-tools cpio gzip 7zip zsh busybox-static strace systemd chromium xvfb openbox xdotool x11-utils tk iproute2 openssh-server puppet-agent puppetserver; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
  apt-get update -qq
  # Services that come with packages are not started: the lab starts its own, in folders.
  policy=/usr/sbin/policy-rc.d
  [ ! -e "$policy" ] || policy=
  if [ -n "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
  fi
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
  [ -z "$policy" ] || rm -f "$policy"
fi
npm run --silent build
exec node_modules/.bin/mocha --config test/lab/mocharc.json
