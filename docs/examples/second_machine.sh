#!/usr/bin/env bash
# A second machine to try NNI's remote training service on, without one: a network namespace of this
# machine with an sshd of its own. As root (needs iproute2 and openssh-server):
#
#   docs/examples/second_machine.sh up     # makes it, and prints the experiment's file
#   docs/examples/second_machine.sh down   # removes all of it
#
# It is 198.51.100.2, and this machine 198.51.100.1 to it (RFC 5737: for documentation; refused where
# they are in use all the same). Both share the file system.
set -euo pipefail

NAME=ersam-worker
NETWORK=198.51.100
HERE=/tmp/$NAME
KIT=/opt/ersam
REPOSITORY=$(cd "$(dirname "$0")/../.." && pwd)
EXPERIMENTS=$REPOSITORY/search_spaces/experiments

up() {
  for tool in sshd ssh-keygen; do
    if ! command -v $tool > /dev/null; then
      echo "error: $0: $tool is not installed; apt-get install openssh-server" >&2
      exit 2
    fi
  done
  if [ -e "$HERE" ] || ip netns list | grep -qw "^$NAME"; then
    echo "error: $NAME is there already, at least in part; first $0 down" >&2
    exit 2
  fi
  if ip -br addr | grep -qF " $NETWORK." || ip route show | grep -q "^$NETWORK\."; then
    echo "error: $NETWORK.0 is in use on this machine; choose another NETWORK in $0" >&2
    exit 2
  fi
  mkdir -p "$HERE/experiment" /run/sshd
  [ -e $KIT ] || ln -s "$REPOSITORY" $KIT  # where a worker has the kit, set up
  ip netns add $NAME
  ip link add ersam0 type veth peer name ersam1 netns $NAME
  ip addr add $NETWORK.1/30 dev ersam0
  ip link set ersam0 up
  ip -n $NAME addr add $NETWORK.2/30 dev ersam1
  ip -n $NAME link set ersam1 up
  ip -n $NAME link set lo up
  ssh-keygen -q -t ed25519 -N '' -m PEM -f "$HERE/host_key"
  ssh-keygen -q -t ed25519 -N '' -m PEM -f "$HERE/key"
  cp "$HERE/key.pub" "$HERE/authorized_keys"
  cat > "$HERE/sshd_config" <<END
ListenAddress $NETWORK.2
HostKey $HERE/host_key
PidFile $HERE/sshd.pid
AuthorizedKeysFile $HERE/authorized_keys
PasswordAuthentication no
PermitRootLogin prohibit-password
StrictModes no
SetEnv PIP_NO_INDEX=1
Subsystem sftp internal-sftp
END
  ip netns exec $NAME "$(command -v sshd)" -f "$HERE/sshd_config"
  sed -e "s|user: ersam|user: $(id -un)|" -e "s|sshKeyFile: .*|sshKeyFile: $HERE/key|" \
    -e "s|192.0.2|$NETWORK|" "$EXPERIMENTS/remote.yml" > "$HERE/experiment/remote.yml"
  cp "$EXPERIMENTS/sam_space.yml" "$HERE/experiment"  # NNI uploads this folder, so no key lies in it
  echo "$HERE/experiment/remote.yml"
}

down() {  # each part, whether or not the others are still there
  if [ -f "$HERE/sshd.pid" ]; then kill "$(cat "$HERE/sshd.pid")" 2> /dev/null || true; fi
  if ip netns list | grep -qw "^$NAME"; then ip netns delete $NAME; fi  # with the pair of interfaces
  if [ "$(readlink $KIT)" = "$REPOSITORY" ]; then rm $KIT; fi
  rm -rf "$HERE"
}

case "${1:-}" in
  up | down) "$1" ;;
  *) echo "usage: $0 up|down" >&2; exit 2 ;;
esac
