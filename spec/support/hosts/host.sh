# First process of a host: waits for its link, takes its own files, then becomes
# what the arguments say, an sshd. See host.rb.
set -e
echo made
read -r go
hostname "$NAME"
ip link set lo up
ip addr add "$ADDRESS/16" dev eth0
ip addr add "$ADDRESS6/64" dev eth0 nodad
ip link set eth0 up
echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start
mkdir -p "$DISK"
[ -z "$DISK_SIZE" ] || mount -t tmpfs -o "size=$DISK_SIZE,mode=755" tmpfs "$DISK"
mkdir -p "$DISK/tmp" "$DISK/srv" "$DISK/home" # there already when it comes up again
chmod 1777 "$DISK/tmp"
# a system of its own instead of the machine's: needed before /root is hidden
[ -z "$ROOT" ] || mount --bind "$ROOT" /mnt
mount -t tmpfs -o mode=755,size=16m tmpfs /run
mkdir /run/sshd /run/murder-host
mount --bind "$ETC" /run/murder-host
mount --bind "$HOSTS_FILE" /etc/hosts
for file in passwd shadow; do
  mount --bind "$ETC/$file" "/etc/$file"
done
mount --bind "$DISK/srv" /srv
mount --bind "$DISK/home" "$HOME_DIR"
# last: the disk may be below it
mount --bind "$DISK/tmp" /tmp
# The rest is the machine's own: no mistake made on a host shall reach it.
awk '{ print $5 }' /proc/self/mountinfo | while read -r point; do
  case $point in
  /proc*|/sys*|/dev*|/run|/tmp|/srv|"$HOME_DIR") ;;
  /) mount -o remount,bind,ro / ;;
  *) mount -o remount,bind,ro "$point" 2> /dev/null || true ;;
  esac
done
mount -t tmpfs -o mode=1777,size=16m tmpfs /var/tmp
cd /
if [ -n "$ROOT" ]; then
  for dir in dev proc sys tmp srv run var/tmp "${HOME_DIR#/}"; do
    mount --rbind "/$dir" "/mnt/$dir"
  done
  for file in hosts passwd shadow; do
    mount --bind "/etc/$file" "/mnt/etc/$file"
  done
  cd /mnt
  pivot_root . mnt
  cd /
  umount -l /mnt
fi
exec "$@"
