# shellcheck shell=sh
# What bin/setup, bin/test and bin/demo share; they source it. POSIX shell.
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
export BUNDLE_GEMFILE="${BUNDLE_GEMFILE:-$ROOT/gemfiles/capistrano2.gemfile}"
export BUNDLE_SILENCE_ROOT_WARNING=1
PATH=$PATH:/usr/sbin:/sbin

# Gems go where this user may write: otherwise into the checkout.
if [ "$(id -u)" != 0 ] && command -v gem > /dev/null && [ ! -w "$(gem env gemdir)" ]; then
	export BUNDLE_PATH="${BUNDLE_PATH:-$ROOT/vendor/bundle}"
fi

# Seconds since the machine started, with hundredths.
uptime_s() {
	cut -d ' ' -f 1 /proc/uptime
}

# How long ago $1 was, in seconds.
since() {
	awk -v from="$1" '{ printf "%.1f", $1 - from }' /proc/uptime
}
