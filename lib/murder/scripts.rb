# frozen_string_literal: true

module Murder
  # The fixed texts for sh that {Commands} runs with {Command.script}: the
  # comment over each says what its words are.
  module Scripts
    # $@: a program's `stop`. That there was none to stop is fine and not worth
    # a word.
    STOP = <<~SH
      said=$("$@" 2>&1); s=$?;
      [ $s -eq 0 ] || [ $s -eq 11 ] || { echo "$said" >&2; exit $s; }
    SH

    # $@: a daemon's `status`. Prints "runs" or nothing.
    RUNS = '! "$@" >/dev/null 2>&1 || echo runs'

    # $@: a daemon's `status`, which may tell of none.
    SEEDERS = '"$@" 2>/dev/null || :'

    # $1: a release that nobody may have made yet.
    NEW_RELEASE = '[ ! -e "$1" ] || { echo "release_path $1 is there already: deploy again" >&2; exit 12; }'

    # $1: murder's directory, then the programs' names.
    PROGRAMS_THERE = <<~SH
      d=$1; shift;
      for p; do [ -x "$d/$p" ] || { echo "$d/$p is not there:
      run murder:distribute_files, or leave murder_distribute at true" >&2; exit 4; }; done
    SH

    # $1: a path of the kind $what. What the shell has left of `~name/x` is no
    # path; one that is meant to begin so comes as `./~name`.
    NO_SUCH_USER = <<~SH
      case $1 in "~"*) echo "$what $1: there is no such user on this host" >&2; exit 4;; esac
    SH

    # $1: a path of the kind $what. Sets $a to what is there of it, itself or
    # the nearest directory above it, and refuses one that nothing can be put into.
    PLACE = <<~SH.freeze
      #{NO_SUCH_USER.chomp};
      a=$1; until [ -e "$a" ] || [ -L "$a" ]; do a=$(dirname "$a"); done;
      [ -d "$a" ] || { echo "$what $1: $a is not a directory" >&2; exit 5; };
      [ -w "$a" ] && [ -x "$a" ] || { echo "$what $1: $a is not writable" >&2; exit 5; }
    SH

    # $m: murder's directory. Prints what is the same for two names of one
    # machine only: that directory, as far as it is there, in one kernel. There
    # the locks are by which processes know one another.
    MACHINE = <<~SH
      p=$m; until [ -e "$m" ] || [ -L "$m" ]; do m=$(dirname "$m"); done;
      id=$(stat -Lc %d:%i "$m" 2>/dev/null) || id=;
      echo "machine $(cat /proc/sys/kernel/random/boot_id 2>/dev/null) $id${p#"$m"}"
    SH

    # $1: a directory to fill beside what it holds. This and the next three
    # change nothing: every host must agree before anything is done on one.
    DIRECTORY = "what=destination_path;\n#{PLACE}".freeze

    # $1: a directory to fill. Refused unless it is missing or empty.
    EMPTY_DIRECTORY = <<~SH.freeze
      #{DIRECTORY.chomp};
      there=; [ "$a" != "$1" ] || there=$(ls -A "$1") || exit 5;
      [ -z "$there" ] || { echo "destination_path $1 is not empty:
      choose another, or add unsafe_please_delete=1 to empty it" >&2; exit 12; }
    SH

    # $1: a file, or a directory to empty for it.
    EMPTIED_FOR_FILE = <<~SH.freeze
      what=destination_path;
      #{NO_SUCH_USER.chomp};
      d=$1; [ -d "$d" ] || d=$(dirname "$d");
      [ -d "$d" ] && [ -w "$d" ] || { echo "destination_path $1: $d is not a writable directory" >&2; exit 5; }
    SH

    # $1: a file, or a directory for it, $2: the name it would have there, after
    # any path.
    FILE = <<~SH.freeze
      #{EMPTIED_FOR_FILE.chomp};
      [ ! -d "$1" ] || [ ! -d "$1/${2##*/}" ] ||
      { echo "destination_path $1: ${2##*/} is a directory there" >&2; exit 12; }
    SH

    # $1: a directory to empty, hidden files included, or what is none.
    EMPTY = '[ ! -d "$1" ] || { cd "$1" && find . ! -name . -prune -exec rm -rf {} +; } || exit 5'

    # $1: a file that somebody else might have prepared as a link.
    NO_LINK = '[ ! -L "$1" ] || rm -f "$1"'

    # $1: a file, $2: where it goes too, then murder_client's `status` for the
    # seeder of the tag. On one file system it gets a second name instead of a
    # second copy, unless a seeder serves it: nobody may write into that one.
    COPY = <<~SH
      f=$1; d=$2; shift 2; [ ! -d "$d" ] || d=$d/${f##*/};
      [ ! "$f" -ef "$d" ] || exit 0;
      rm -f "$d.murder-part" &&
      { { [ ! -L "$f" ] && ! "$@" >/dev/null 2>&1 && ln "$f" "$d.murder-part" 2>/dev/null; } ||
      cp "$f" "$d.murder-part"; } && mv -f "$d.murder-part" "$d" ||
      { rm -f "$d.murder-part"; exit 5; }
    SH

    # $1: an archive. What murder_make_torrent and murder_client call what is
    # not complete, they remove themselves unless they are killed.
    CLEAN = <<~SH
      d=$(dirname "$1"); b=${1##*/}; r=????????????????;
      rm -f "$1" "$1.torrent" "$1.part" "$d/.$b.murder-"$r "$d/.$b.torrent.murder-"$r
    SH

    # $1: a file; of one that is not there murder_make_torrent tells.
    MUST_BE_FILE = <<~SH.freeze
      what=files_path;
      #{NO_SUCH_USER.chomp};
      [ ! -d "$1" ] || { echo "files_path $1 is a directory: leave path_is_file away to send one" >&2; exit 4; }
    SH

    # $1: a directory; of one that is not there murder_make_torrent tells.
    MUST_BE_DIRECTORY = <<~SH.freeze
      what=files_path;
      #{NO_SUCH_USER.chomp};
      [ -d "$1" ] || [ ! -e "$1" ] ||
      { echo "files_path $1 is not a directory: add path_is_file=1 to send a file" >&2; exit 4; }
    SH

    # $1: a tag, then murder_client's `status` for its seeder.
    NO_SEEDER = <<~SH
      t=$1; shift; ! "$@" >/dev/null 2>&1 ||
      { echo "a seeder of $t is running, and would go on serving what it has:
      run murder:stop_seeding tag=$t first" >&2; exit 10; }
    SH

    # $1: a .torrent.
    TORRENT_THERE = <<~SH
      [ -e "$1" ] || { echo "$1 is not there: run murder:create_torrent first, with the same tag" >&2; exit 4; }
    SH

    # $1: murder's directory, then the programs' names. Prints what the host is
    # and what is there: platform, machine, checksums, number of entries, "runs".
    INVENTORY = <<~SH.freeze
      uname -sm; m=$1; #{MACHINE.chomp}; cd "$1" 2>/dev/null || exit 0; shift;
      sha256sum "$@" 2>/dev/null;
      find . ! -name . -prune ! -name run 2>/dev/null | wc -l;
      ! ./murder_client --version >/dev/null 2>&1 || echo runs
    SH

    # $1: murder's directory, $2: the kilobytes that will be sent there. Changes
    # nothing; refuses one that looks like somebody's data, a full disk, and one
    # that no program can be run from.
    CHECK_MURDER = <<~SH.freeze
      what=remote_murder_path;
      #{PLACE.chomp};
      cd "$a" || exit 5;
      [ "$a" != "$1" ] || [ "$(find . ! -name . | wc -l)" -lt 1000 ] || { echo "Cowardly refusing to remove files!
      Check the remote_murder_path: $1 holds 1000 or more" >&2; exit 12; };
      free=$(df -Pk . 2>/dev/null | sed -n 's/.* \\([0-9][0-9]*\\)  *[0-9][0-9]*% .*/\\1/p' | tail -n 1);
      old=; [ "$a" != "$1" ] || old=$(du -sk . 2>/dev/null | sed 's/[^0-9].*//');
      [ $((${free:-$2} + ${old:-0})) -ge "$2" ] || { echo "remote_murder_path $1:
      the disk is full: $2 KB needed, $free KB free" >&2; exit 5; };
      t=.murder-try-$$; rm -rf "$t";
      { mkdir -m 700 "$t" && printf '#!/bin/sh\\n' >"$t/try" && chmod 755 "$t/try"; } 2>/dev/null ||
      { rm -rf "$t"; echo "remote_murder_path $1: cannot write there: is the disk full?" >&2; exit 5; };
      "./$t/try" 2>/dev/null; s=$?; rm -rf "$t";
      [ $s -eq 0 ] || { echo "remote_murder_path $1: no program can be run from there: is it mounted noexec?
      Choose another directory" >&2; exit 5; }
    SH

    # $1: murder's directory: made, or emptied but for run/, where the pid files
    # of what may still be running are.
    PREPARE_MURDER = <<~SH
      mkdir -p "$1" && cd "$1" && find . ! -name . -prune ! -name run -exec rm -rf {} + || exit 5
    SH

    # $1: murder's directory, $2: the archive in it. What does not run is said
    # with the reason, as far as the shell gives one.
    UNPACK_MURDER = <<~SH
      cd "$1" || exit 5;
      said=$({ gzip -dc "$2" | tar -xf -; } 2>&1) || { rm -f "$2";
      echo "remote_murder_path $1: cannot unpack there: $(echo "$said" | grep -v "^tar: Exiting" | tail -n 1)" >&2; exit 5; };
      rm -f "$2";
      said=$(./murder_client --version 2>&1 >/dev/null); s=$?; said=$(echo "$said" | tail -n 1);
      case $s in 0) exit 0;;
      126) why="the directory may be mounted noexec, or they are for another processor than $(uname -m)";;
      127) why="a library is missing: send the programs of rake dist, which need none";;
      *) why="the kernel may be too old ($(uname -r))";; esac;
      echo "the programs in $1 do not run: ${said:-exit status $s}: $why" >&2; exit 5
    SH
  end
end
