# frozen_string_literal: true

require_relative "command"
require_relative "programs"

module Murder
  # What runs on the hosts, one method per thing to do; nothing here runs
  # anything. doc/PROGRAMS.md describes the programs.
  class Commands
    # $@: a program's `stop`. That there was none to stop is fine and not worth
    # a word.
    STOP = <<~SH
      said=$("$@" 2>&1); s=$?;
      [ $s -eq 0 ] || [ $s -eq 11 ] || { echo "$said" >&2; exit $s; }
    SH

    # $1: a directory to fill. Made if it is missing; refused, before anything
    # is transferred, unless it is empty and writable.
    EMPTY_DIRECTORY = <<~SH
      mkdir -p "$1" || exit 5;
      there=$(ls -A "$1") || exit 5;
      [ -z "$there" ] || { echo "destination_path $1 is not empty:
      choose another, or add unsafe_please_delete=1 to empty it" >&2; exit 12; };
      [ -w "$1" ] || { echo "destination_path $1 is not writable" >&2; exit 5; }
    SH

    # $1: a directory to fill beside what it holds.
    DIRECTORY = <<~SH
      mkdir -p "$1" || exit 5;
      [ -w "$1" ] || { echo "destination_path $1 is not writable" >&2; exit 5; }
    SH

    # $1: a directory to empty, hidden files included; made if it is missing.
    EMPTIED_DIRECTORY = <<~SH
      mkdir -p "$1" && cd "$1" && find . ! -name . -prune -exec rm -rf {} + || exit 5
    SH

    # $1: a file, or a directory for it.
    FILE = <<~SH
      d=$1; [ -d "$d" ] || d=$(dirname "$d");
      [ -d "$d" ] && [ -w "$d" ] || { echo "destination_path $1: $d is not a writable directory" >&2; exit 5; }
    SH

    # $1: a file, or a directory to empty for it.
    EMPTIED_FOR_FILE = <<~SH
      d=$1; [ -d "$d" ] || d=$(dirname "$d");
      [ -d "$d" ] && [ -w "$d" ] || { echo "destination_path $1: $d is not a writable directory" >&2; exit 5; };
      [ ! -d "$1" ] || { cd "$1" && find . ! -name . -prune -exec rm -rf {} +; } || exit 5
    SH

    # $1: a file that somebody else might have prepared as a link.
    NO_LINK = '[ ! -L "$1" ] || rm -f "$1"'

    # $1: a file, $2: where its copy goes; under a name of its own until it is
    # whole.
    COPY = <<~SH
      d=$2; [ ! -d "$d" ] || d=$d/${1##*/};
      [ ! "$1" -ef "$d" ] || exit 0;
      rm -f "$d.murder-part" && cp "$1" "$d.murder-part" && mv -f "$d.murder-part" "$d" ||
      { rm -f "$d.murder-part"; exit 5; }
    SH

    # $1: a directory; of one that is not there murder_make_torrent tells.
    MUST_BE_DIRECTORY = <<~SH
      [ -d "$1" ] || [ ! -e "$1" ] || { echo "files_path $1 is not a directory: add path_is_file=1 to send a file" >&2; exit 4; }
    SH

    # $1: murder's directory, then the programs' names. Prints what the host is
    # and what is there: platform, checksums, number of entries, "runs".
    INVENTORY = <<~SH
      uname -sm; cd "$1" 2>/dev/null || exit 0; shift;
      sha256sum "$@" 2>/dev/null;
      find . ! -name . -prune ! -name run 2>/dev/null | wc -l;
      ! ./murder_client --version >/dev/null 2>&1 || echo runs
    SH

    # $1: murder's directory, $2: the kilobytes that will be sent there. Changes
    # nothing but that the directory is there; refuses one that looks like
    # somebody's data, a full disk, and one that no program can be run from.
    CHECK_MURDER = <<~'SH'
      mkdir -p "$1" && cd "$1" || exit 5;
      [ "$(find . ! -name . | wc -l)" -lt 1000 ] || { echo "Cowardly refusing to remove files!
      Check the remote_murder_path: $1 holds 1000 or more" >&2; exit 12; };
      [ -w . ] || { echo "remote_murder_path $1 is not writable" >&2; exit 5; };
      free=$(df -Pk . 2>/dev/null | sed -n 's/.* \([0-9][0-9]*\)  *[0-9][0-9]*% .*/\1/p' | tail -n 1);
      old=$(du -sk . 2>/dev/null | sed 's/[^0-9].*//');
      [ $((${free:-$2} + ${old:-0})) -ge "$2" ] || { echo "remote_murder_path $1:
      the disk is full: $2 KB needed, $free KB free" >&2; exit 5; };
      { printf '#!/bin/sh\n' >.murder-try && chmod 755 .murder-try; } 2>/dev/null ||
      { rm -f .murder-try; echo "remote_murder_path $1: cannot write there: is the disk full?" >&2; exit 5; };
      ./.murder-try 2>/dev/null; s=$?; rm -f .murder-try;
      [ $s -eq 0 ] || { echo "remote_murder_path $1: no program can be run from there: is it mounted noexec?
      Choose another directory" >&2; exit 5; }
    SH

    # $1: murder's directory: emptied but for run/, where the pid files of
    # what may still be running are.
    PREPARE_MURDER = <<~SH
      cd "$1" && find . ! -name . -prune ! -name run -exec rm -rf {} + || exit 5
    SH

    # $1: murder's directory, $2: the archive in it. What does not run is said
    # with the reason, as far as the shell gives one.
    UNPACK_MURDER = <<~SH
      cd "$1" || exit 5;
      said=$({ gzip -dc "$2" | tar -xf -; } 2>&1) || { rm -f "$2";
      echo "remote_murder_path $1: cannot unpack there: $(echo "$said" | tail -n 1)" >&2; exit 5; };
      rm -f "$2";
      said=$(./murder_client --version 2>&1 >/dev/null); s=$?; said=$(echo "$said" | tail -n 1);
      case $s in 0) exit 0;;
      126) why="the directory may be mounted noexec, or they are for another processor than $(uname -m)";;
      127) why="a library is missing: send the programs of rake dist, which need none";;
      *) why="the kernel may be too old ($(uname -r))";; esac;
      echo "the programs in $1 do not run: ${said:-exit status $s}: $why" >&2; exit 5
    SH

    # The archive of the programs, inside remote_murder_path so that nobody
    # else can have prepared it.
    PAYLOAD = "murder_dist.tgz"

    # @param options [Options]
    def initialize(options)
      @options = options
    end

    # @return [Command] returns when the tracker listens
    def start_tracker
      program("murder_tracker", "--port", port, "--daemon")
    end

    # @param missing [:error, :fine] what it means if there is none
    def stop_tracker(missing: :error)
      stop(missing, "murder_tracker", "stop", "--port", port)
    end

    # @param trackers [Array<String>] hosts, the first is the one that the original knew
    # @return [Array<Command>]
    def make_torrent(*trackers)
      first, *others = trackers.map { |host| "#{bracketed(host)}:#{port}" }
      make = program("murder_make_torrent", path(options.files_path), first, path(options.torrent),
                     "--output", path(options.archive), *others.flat_map { |tracker| ["--tracker", tracker] })
      return [make] if options.path_is_file?

      [Command.script(MUST_BE_DIRECTORY, path(options.files_path), name: "murder:create_torrent"), make]
    end

    # @return [Command] returns when the seeder serves
    def seed
      program("murder_client", "seeder", path(options.torrent), path(options.archive), "--daemon", tag)
    end

    def stop_seeding(missing: :error)
      stop(missing, "murder_client", "stop", "seeder", tag)
    end

    def stop_all_seeding
      stop(:fine, "murder_client", "stop", "seeder", "--all")
    end

    # What must be so on every peer before any of them begins: its destination,
    # and nobody's link where the .torrent is about to be uploaded.
    # @return [Command]
    def prepare_peer
      text = "#{destination_script.chomp};\n#{NO_LINK.gsub("$1", "$2")}"
      Command.script(text, path(options.destination), path(options.torrent), name: "murder:peer")
    end

    # @return [Array<Command>] the first returns when the file is there, verified and extracted
    def peer
      operands = ["peer", path(options.torrent), path(options.archive)]
      return [program("murder_client", *operands, "--extract", path(options.destination), tag)] if extract?

      [program("murder_client", *operands, tag),
       Command.script(COPY, path(options.archive), path(options.destination), name: "murder:peer")]
    end

    def stop_peering
      stop(:fine, "murder_client", "stop", "peer", tag)
    end

    def stop_all_peering
      stop(:fine, "murder_client", "stop", "peer", "--all")
    end

    def clean
      remove(options.archive, options.torrent, "#{options.archive}.part")
    end

    # @param files [Array<String>]
    def remove(*files)
      Command.new("rm", "-f", *files.map { |file| path(file) })
    end

    # Makes way for a file that is about to be uploaded.
    def no_link(file)
      Command.script(NO_LINK, path(file))
    end

    # @return [Command] prints a host's platform, and what it has: see {Payload#inventory}
    def inventory
      Command.script(INVENTORY, path(options.murder_path), *Programs::NAMES, name: "murder:distribute_files")
    end

    # @param kilobytes [Integer] to be sent
    def check_murder(kilobytes)
      Command.script(CHECK_MURDER, path(options.murder_path), kilobytes, name: "murder:distribute_files")
    end

    def prepare_murder
      Command.script(PREPARE_MURDER, path(options.murder_path), name: "murder:distribute_files")
    end

    def unpack_murder
      Command.script(UNPACK_MURDER, path(options.murder_path), PAYLOAD, name: "murder:distribute_files")
    end

    # @return [String] where to upload the archive of the programs
    def payload
      "#{options.murder_path.chomp("/")}/#{PAYLOAD}"
    end

    private

    attr_reader :options

    def extract?
      !options.path_is_file?
    end

    def destination_script
      if !extract? then options.unsafe_please_delete? ? EMPTIED_FOR_FILE : FILE
      elsif options.unsafe_please_delete? then EMPTIED_DIRECTORY
      else
        options.no_tag_directory? ? DIRECTORY : EMPTY_DIRECTORY
      end
    end

    def program(name, *words)
      Command.new(path("#{options.murder_path.chomp("/")}/#{name}"), *words)
    end

    def stop(missing, name, *words)
      command = program(name, *words)
      missing == :fine ? Command.script(STOP, *command.words) : command
    end

    # An IPv6 address as it stands before a port.
    def bracketed(host)
      host.include?(":") && !host.start_with?("[") ? "[#{host}]" : host
    end

    def path(value)
      Command.path(value)
    end

    def tag
      "--tag=#{options.tag}"
    end

    def port
      options.tracker_port
    end
  end
end
