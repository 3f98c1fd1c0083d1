# First process of the world: makes the control host out of fresh namespaces,
# then lives as long as its standard input. Arguments: directories under /tmp
# that stay visible. See world.rb.
set -e
mount -t tmpfs -o mode=755 tmpfs /run
hostname control
ip link set lo up
ip link add "$BRIDGE" type bridge forward_delay 0 mcast_snooping 0
ip addr add "$ADDRESS" dev "$BRIDGE"
ip addr add "$ADDRESS6" dev "$BRIDGE" nodad
ip link set "$BRIDGE" up
# Not below $WORK, which may be one of them.
for dir in "$@"; do
  mkdir -p "/run/keep$dir"
  mount --bind "$dir" "/run/keep$dir"
done
mount --bind "$WORK/control/tmp" /tmp
for dir in "$@"; do
  mkdir -p "$dir"
  mount --bind "/run/keep$dir" "$dir"
  # They are the user's: to look at, not to change.
  [ "$dir" = "$WORK" ] || mount -o remount,bind,ro "$dir"
done
[ -z "$ROOM" ] || mount -t tmpfs -o "mode=755,size=$ROOM" tmpfs "$WORK/disks"
mount --bind "$WORK/hosts-file" /etc/hosts
echo ready
exec cat > /dev/null
