#!/bin/sh
# fetch.sh DIR [PART...]  puts the pinned source files into DIR
# fetch.sh --pin          renews `sources` and SHA256SUMS from the archive
#
# A file is taken from DIR, else from $MURDER_SOURCES (a directory of files the
# user has), else from Debian's archive by apt with lists of its own: neither
# root nor a deb-src line is needed. Every file is checked before it counts.
# Exit status: 75 when something cannot be had, 1 when something is wrong.
# absent.FILE in DIR says that the archive lacks a file which is only wished for:
# remove it to ask again.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mirror=${MURDER_MIRROR:-http://deb.debian.org}
suite=bookworm
scratch=$(mktemp -d "${TMPDIR:-/tmp}/murder-fetch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$scratch"

die() { echo "fetch: $*" >&2; exit 1; }
lack() { echo "fetch: $*" >&2; exit 75; }

# Every line of `sources` with no comment: part use package version patches licence
parts() { grep -v '^#' "$here/sources"; }

# "7:1.2-3" -> "1.2-3": the form in file names
no_epoch() { echo "${1#*:}"; }

apt() {
	apt_cmd=$1
	shift
	"$apt_cmd" -o Dir::Etc::SourceList="$scratch/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$scratch/lists" \
		-o Dir::Cache="$scratch/cache" \
		-o APT::Sandbox::User="" \
		-o Acquire::Retries=3 "$@"
}

apt_ready=
prepare_apt() {
	[ -z "$apt_ready" ] || return 0
	keys=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -r "$keys" ] || lack "$keys: missing: apt-get install debian-archive-keyring, or give the files in MURDER_SOURCES"
	mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial"
	cat >"$scratch/sources.list" <<EOF
deb-src [signed-by=$keys] $mirror/debian $suite main
deb-src [signed-by=$keys] $mirror/debian $suite-updates main
deb-src [signed-by=$keys] $mirror/debian-security $suite-security main
EOF
	apt apt-get -qq -o APT::Update::Error-Mode=any update >"$scratch/update.log" 2>&1 ||
		lack "$mirror: apt cannot read its package lists: $(grep -m 1 -E "^(E|W): " "$scratch/update.log")"
	apt_ready=yes
}

# uris PACKAGE[=VERSION]: lines of: address file sha256
uris() {
	apt apt-get source --print-uris "$1" 2>/dev/null | tr -d "'" |
		awk '/SHA256:/ { sub("SHA256:", "", $4); print $1, $2, $4 }'
}

checked() { [ -f "$2" ] && echo "$1  $2" | sha256sum -c --status 2>/dev/null; }

# take SUM FILE PACKAGE VERSION WISHED: FILE into $dir; 1 when nobody has it.
# What is only wished is not asked for elsewhere when the user gives the sources.
take() {
	if checked "$1" "$dir/$2"; then return 0; fi
	if [ -n "${MURDER_SOURCES:-}" ] && [ -f "$MURDER_SOURCES/$2" ]; then
		checked "$1" "$MURDER_SOURCES/$2" ||
			die "$MURDER_SOURCES/$2: not the file that ext/static/SHA256SUMS pins"
		cp "$MURDER_SOURCES/$2" "$scratch/$2"
	elif [ -n "$5" ] && [ -n "${MURDER_SOURCES:-}" ]; then
		return 1
	else
		prepare_apt
		uri=$(uris "$3=$4" | awk -v f="$2" '$2 == f { print $1 }')
		[ -n "$uri" ] || lack "$2: the archive has no $3 $4 any more: rake dist:pin takes its present version"
		/usr/lib/apt/apt-helper -o APT::Sandbox::User="" -o Acquire::Retries=3 \
			download-file "$uri" "$scratch/$2" "SHA256:$1" >/dev/null 2>&1 || return 1
		checked "$1" "$scratch/$2" || return 1
	fi
	mv "$scratch/$2" "$dir/$2"
}

fetch() {
	dir=$1
	shift
	mkdir -p "$dir"
	parts | while read -r part use package version patches _; do
		[ $# -eq 0 ] || case " $* " in *" $part "*) ;; *) continue ;; esac
		plain=$(no_epoch "$version")
		grep "  ${package}_" "$here/SHA256SUMS" | while read -r sum file; do
			wished=
			case $patches-$file in wished-"${package}_$plain".debian.*) wished=yes ;; esac
			[ -z "$wished" ] || [ ! -f "$dir/absent.$file" ] || continue
			if take "$sum" "$file" "$package" "$version" "$wished"; then continue; fi
			[ -n "$wished" ] ||
				lack "$file: cannot be fetched: put it into a directory and name that in MURDER_SOURCES"
			echo "fetch: $file: not to be had: $part is built from upstream's release alone" >&2
			touch "$dir/absent.$file"
		done
	done
}

pin() {
	prepare_apt
	: >"$scratch/sums"
	grep '^#' "$here/sources" >"$scratch/sources"
	parts | while read -r part use package version patches licence; do
		uris "$package" >"$scratch/uris"
		now=$(apt apt-get source --print-uris --dsc-only "$package" 2>/dev/null | tr -d "'" |
			awk '/\.dsc / { sub(".*_", "", $2); sub("[.]dsc$", "", $2); print $2 }')
		[ -n "$now" ] || die "$package: not in the archive"
		[ "$now" = "$(no_epoch "$version")" ] || {
			echo "fetch: $part $version -> $now" >&2
			case $version in *:*) now=${version%%:*}:$now ;; esac
			version=$now
		}
		printf '%-14s %-5s %-14s %-22s %-8s %s\n' \
			"$part" "$use" "$package" "$version" "$patches" "$licence" >>"$scratch/sources"
		grep -E '(\.orig\.tar\.[a-z0-9]+|\.debian\.tar\.[a-z0-9]+) ' "$scratch/uris" |
			awk '{ print $3 "  " $2 }' >>"$scratch/sums"
	done
	cat "$scratch/sources" >"$here/sources"
	cat "$scratch/sums" >"$here/SHA256SUMS"
}

case ${1:-} in
--pin) pin ;;
'' | -*) die "usage: fetch.sh DIR [PART...] | --pin" ;;
*) fetch "$@" ;;
esac
