# d3: the agent stays off until the deployment switches it on, and d3 is let in.
for d3_agent in puppet openvox; do
  systemctl disable "$d3_agent.service" 2>/dev/null || true
  systemctl stop "$d3_agent.service" 2>/dev/null || true
done
systemctl disable puppet 2>/dev/null || true
d3_home=$(getent passwd '@USER@' | cut -d: -f6)
if [ -n "$d3_home" ]; then
  install -d -m 0700 -o '@USER@' "$d3_home/.ssh"
  touch "$d3_home/.ssh/authorized_keys"
  while IFS= read -r d3_key; do
    grep -qxF "$d3_key" "$d3_home/.ssh/authorized_keys" || printf '%s\n' "$d3_key" >> "$d3_home/.ssh/authorized_keys"
  done <<'D3_KEYS'
@KEYS@
D3_KEYS
  chown '@USER@' "$d3_home/.ssh/authorized_keys"
  chmod 0600 "$d3_home/.ssh/authorized_keys"
  restorecon -R "$d3_home/.ssh" 2>/dev/null || true
fi
