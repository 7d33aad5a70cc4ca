#!/bin/sh
# One start of a machine of a lab, in namespaces of its own: `unshare --fork --pid --mount --uts --ipc`. Its disk outlasts it, and nothing it
# does reaches the machine that has the lab. $1: its folder, with its disk and `seed`, what a new disk has; $2: the folder of the project;
# $3: `disk` starts what is installed, any other word is a program of the disk that is run without a start.
set -eu
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
cat /proc/sys/kernel/random/uuid >"$1/boot"
mount --bind "$1/boot" proc/sys/kernel/random/boot_id
mkdir -p "./$2"
mount --rbind "$2" "./$2"
if [ ! -e "$1/installed" ]; then
  # Nothing of this machine's own is there, and only what is needed starts.
  rm -rf etc/systemd/system etc/init.d/puppet root/.ssh root/.bashrc etc/ssh/ssh_host_* var/lib/puppet/* var/lib/d3 etc/d3.*
  rm -rf usr/lib/systemd/system-generators usr/lib/systemd/system/*.target.wants
  mkdir -p etc/systemd/system/multi-user.target.wants etc/systemd/system/sysinit.target.wants
  ln -s /usr/lib/systemd/system/systemd-journald.service /usr/lib/systemd/system/systemd-tmpfiles-setup.service etc/systemd/system/sysinit.target.wants/
  ln -s /usr/lib/systemd/system/ssh.service etc/systemd/system/multi-user.target.wants/
  chroot . ssh-keygen -q -t ed25519 -N '' -C lab -f /etc/ssh/ssh_host_ed25519_key
  cp -R "$1/seed/." .
  : >"$1/installed"
fi
hostname "$(cat etc/hostname)"
# Its services are not taken for those of another machine.
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
  [ -w "$hierarchy/cgroup.procs" ] || continue
  mkdir -p "$hierarchy/$4" 2>/dev/null || continue
  echo $$ >"$hierarchy/$4/cgroup.procs"
done
[ "$3" = disk ] || exec chroot . "$3"
export container=lab
exec chroot . /lib/systemd/systemd --system --unit=multi-user.target
