#!/bin/sh
# Boots systemd on a copy of this machine's root that is thrown away: run in namespaces of its own (`unshare --fork --pid --mount
# --uts --ipc`). Whatever is written there is gone with it.
# $1: an empty folder to mount in; $2: the folder of the project
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mkdir -p "./$2"
mount --rbind "$2" "./$2"
# Nothing of this machine's own starts there.
rm -rf etc/systemd/system
mkdir -p etc/systemd/system
cat >etc/systemd/system/d3-lab.target <<'END'
[Unit]
Description=Nothing but what a test asks for
Wants=timers.target
END
export container=lab
exec chroot . /lib/systemd/systemd --system --unit=d3-lab.target
