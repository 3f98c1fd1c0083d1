# frozen_string_literal: true

require_relative "command"
require_relative "programs"
require_relative "scripts"

module Murder
  # What runs on the hosts, one method per thing to do; nothing here runs
  # anything. doc/PROGRAMS.md describes the programs.
  class Commands
    include Scripts

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

    # @return [Command] prints "runs" where our tracker does
    def tracker_runs
      Command.script(RUNS, *program("murder_tracker", "status", "--port", port).words, name: "murder:start_tracker")
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
                     "--output", path(options.archive), "--piece-length", options.piece_length,
                     *others.flat_map { |tracker| ["--tracker", tracker] },
                     *(outside_links unless options.path_is_file?))
      [files_check, no_seeder, make].compact
    end

    # @return [Command] fails where murder:create_torrent has not been
    def torrent_there
      Command.script(TORRENT_THERE, path(options.torrent), name: "murder:download_torrent")
    end

    # @return [Command] returns when the seeder serves
    def seed
      program("murder_client", "seeder", path(options.torrent), path(options.archive), "--daemon", tag)
    end

    # @return [Command] prints a line for each seeder that runs
    def seeders
      Command.script(SEEDERS, *program("murder_client", "status", "seeder").words, name: "murder:stop_tracker")
    end

    def stop_seeding(missing: :error)
      stop(missing, "murder_client", "stop", "seeder", tag)
    end

    def stop_all_seeding
      stop(:fine, "murder_client", "stop", "seeder", "--all")
    end

    # What must be so on every peer before anything is done on any of them: its
    # destination, and nobody's link where the .torrent is about to be uploaded.
    # @return [Command] prints the line for {Machines}
    def prepare_peer
      text = "#{destination_script.chomp};\n#{NO_LINK.gsub("$1", "$3")} || exit 5;\nm=$4;\n#{MACHINE}"
      Command.script(text, path(options.destination), path(options.archive), path(options.torrent),
                     path(options.murder_path), name: "murder:peer")
    end

    # @return [Array<Command>] what unsafe_please_delete asks for, once all agree
    def empty_destination
      return [] unless options.unsafe_please_delete?

      [Command.script(EMPTY, path(options.destination), name: "murder:peer")]
    end

    # @return [Command] prints the line for {Machines}
    def machine
      Command.script("m=$1;\n#{MACHINE}", path(options.murder_path))
    end

    # @param rack [String, nil] the label of the host's rack
    # @return [Array<Command>] the first returns when the file is there, verified and extracted
    def peer(rack = nil)
      return [fetch(rack, "--extract", path(options.destination), *outside_links)] if options.extract?

      [fetch(rack),
       Command.script(COPY, path(options.archive), path(options.destination), *seeder_status, name: "murder:peer")]
    end

    # @return [Regexp] what a peer says that gave way to another of its tag
    def peer_is_there
      /a peer of #{Regexp.escape(options.tag)} is already running/
    end

    def stop_peering
      stop(:fine, "murder_client", "stop", "peer", tag)
    end

    def stop_all_peering
      stop(:fine, "murder_client", "stop", "peer", "--all")
    end

    # Whatever was made for the tag, also by programs that were killed.
    def clean
      Command.script(CLEAN, path(options.archive), name: "murder:clean_temp_files")
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

    # @return [Command] fails where a program is missing
    def check_programs
      Command.script(PROGRAMS_THERE, path(options.murder_path), *Programs::NAMES, name: "murder:check")
    end

    # What must be so on every peer before a release is brought there.
    def new_release(release)
      Command.script(NEW_RELEASE, path(release), name: "murder:create_release")
    end

    # @param release [String] a directory that this deploy made
    def remove_release(release)
      Command.new("rm", "-rf", path(release))
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

    # What files_path must be; a deploy's own archive is a file.
    def files_check
      return if options.path_is_file? && options.extract?

      text = options.path_is_file? ? MUST_BE_FILE : MUST_BE_DIRECTORY
      Command.script(text, path(options.files_path), name: "murder:create_torrent")
    end

    # A seeder would go on with the torrent it has read.
    def no_seeder
      Command.script(NO_SEEDER, options.tag, *seeder_status, name: "murder:create_torrent")
    end

    def seeder_status
      program("murder_client", "status", "seeder", tag).words
    end

    def outside_links
      ["--outside-links"] if options.outside_links?
    end

    def destination_script
      emptied = options.unsafe_please_delete?
      return emptied ? EMPTIED_FOR_FILE : FILE unless options.extract?

      emptied || options.no_tag_directory? ? DIRECTORY : EMPTY_DIRECTORY
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

    def fetch(rack, *words)
      program("murder_client", "peer", path(options.torrent), path(options.archive), *words, *in_rack(rack), tag)
    end

    def in_rack(label)
      return ["--rack=#{label}"] if label

      ["--rack-by=#{options.rack_by}"] if options.rack_by
    end

    def tag
      "--tag=#{options.tag}"
    end

    def port
      options.tracker_port
    end
  end
end
