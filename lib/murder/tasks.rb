# frozen_string_literal: true

require "fileutils"
require "stringio"
require "tmpdir"
require_relative "commands"
require_relative "errors"
require_relative "distribution"
require_relative "machines"
require_relative "racks"

module Murder
  # The tasks, one row each: what `cap` lists, README documents and every
  # adapter defines.
  #
  # A body gets the adapter as `runner` and the task's Options. Of the adapter
  # it uses
  #   hosts(*roles)            the servers of these roles, each once
  #   host_name(server)        its name as the Capfile has it
  #   run(command, servers)    on all of them at once; a Hash gives each server its
  #                            own; raises CommandError
  #   property(server, name)   what the Capfile says of it, or nil
  #   capture(command, servers) server => what the command printed
  #   upload(from, to, servers) from a local path or IO
  #   download(from, to, server)
  #   invoke(task)             another task of this table, with its hooks
  #   attempt { }              notes a failure and goes on
  #   cleaning?                whether this is the end of a transfer, when
  #                            a stop that finds nothing to stop is fine
  #   dry_run?, info(text)
  module Tasks
    Task = Struct.new(:name, :roles, :needs, :description, :body, keyword_init: true)

    # The bodies.
    module Bodies
      module_function

      def distribute_files(runner, options)
        Distribution.new(runner, options).call
      end

      def start_tracker(runner, options)
        runner.run(Commands.new(options).start_tracker, runner.hosts(:tracker))
      end

      # At the end of a transfer, the tracker of another one stays.
      def stop_tracker(runner, options)
        others = runner.cleaning? ? other_seeders(runner, options) : []
        if others.any?
          return runner.info("The tracker goes on for #{others.join(", ")}, which others are seeding; then " \
                             "murder:stop_tracker stops it")
        end

        runner.run(Commands.new(options).stop_tracker(missing: missing(runner)), runner.hosts(:tracker))
      end

      # @return [Array<String>] their tags
      def other_seeders(runner, options)
        said = runner.attempt { runner.capture(Commands.new(options).seeders, runner.hosts(:seeder)) }
        tags = said.to_h.values.join("\n").scan(/^role=seeder tag=(\S+)/).flatten.uniq
        tags.map { |tag| unescaped(tag) } - [options.tag]
      end

      # @return [String] a tag of which murder_client has printed %XX
      def unescaped(tag)
        tag.b.gsub(/%\h\h/) { |code| code.delete("%").hex.chr }.force_encoding(Encoding::UTF_8)
      end

      def create_torrent(runner, options)
        trackers = options.tracker_host || runner.hosts(:tracker).map { |server| runner.host_name(server) }
        Commands.new(options).make_torrent(*trackers).each { |command| runner.run(command, runner.hosts(:seeder)) }
        runner.invoke("download_torrent") unless options.do_not_download_torrent?
      end

      # Under a name of its own until it is whole: nobody can have prepared
      # that name, and the seeder may be this very machine.
      def download_torrent(runner, options)
        local = File.expand_path(options.torrent)
        runner.run(Commands.new(options).torrent_there, runner.hosts(:seeder))
        FileUtils.mkdir_p(File.dirname(local)) unless runner.dry_run?
        Dir.mktmpdir("murder") do |dir|
          part = File.join(dir, "torrent")
          runner.download(options.torrent, part, runner.hosts(:seeder).first)
          replace(local, File.binread(part)) unless runner.dry_run?
        end
      rescue SystemCallError => e
        raise OptionError, "cannot write #{local} on this machine: #{plain(e)}"
      end

      def start_seeding(runner, options)
        runner.run(Commands.new(options).seed, runner.hosts(:seeder))
      end

      def stop_seeding(runner, options)
        runner.run(Commands.new(options).stop_seeding(missing: missing(runner)), runner.hosts(:seeder))
      end

      def stop_all_seeding(runner, options)
        runner.run(Commands.new(options).stop_all_seeding, runner.hosts(:seeder))
      end

      # All peers are asked whether they can before anything is changed on one,
      # then all get the .torrent, then all begin; if any of that fails once
      # they have begun, all are stopped.
      def peer(runner, options)
        commands = Commands.new(options)
        peers = runner.hosts(:peer)
        racks = Racks.of(runner, peers)
        torrent = local_torrent(runner, options)
        Machines.refuse_twins(runner, peers, runner.capture(commands.prepare_peer, peers))
        commands.empty_destination.each { |command| runner.run(command, peers) }
        runner.upload(StringIO.new(torrent), options.torrent, peers)
        begin_peers(runner, commands, racks)
      end

      # One that gave way to another of its tag is not ours to stop.
      def begin_peers(runner, commands, racks)
        ours = racks.keys
        commands.peer.each_index do |step|
          runner.run(Racks.each(racks) { |rack| commands.peer(rack)[step] }, racks.keys)
        end
        ours = []
      rescue CommandError => e
        busy = e.hosts_saying(commands.peer_is_there)
        ours = racks.keys.reject { |server| busy.include?(runner.host_name(server)) }
        raise
      ensure
        runner.cleaning { runner.attempt { runner.run(commands.stop_peering, ours) } } if ours.any?
      end

      def stop_peering(runner, options)
        runner.run(Commands.new(options).stop_peering, runner.hosts(:peer))
      end

      def stop_all_peering(runner, options)
        runner.run(Commands.new(options).stop_all_peering, runner.hosts(:peer))
      end

      def clean_temp_files(runner, options)
        runner.run(Commands.new(options).clean, runner.hosts(:peer, :seeder))
      end

      def missing(runner)
        runner.cleaning? ? :fine : :error
      end

      # Read before it is sent: a peer may be this very machine.
      def local_torrent(runner, options)
        return "" if runner.dry_run?

        File.binread(File.expand_path(options.torrent))
      rescue SystemCallError => e
        raise OptionError, "#{options.torrent} on this machine: #{plain(e)}: fetch it from the " \
                           "seeder with `cap murder:download_torrent tag=...`, once murder:create_torrent has made it"
      end

      # @return [String] what the system said, without the name of its call
      def plain(error)
        error.message.sub(/ @.*/, "")
      end

      def replace(path, bytes)
        part = "#{path}.#{Process.pid}"
        FileUtils.rm_f(part)
        File.open(part, File::WRONLY | File::CREAT | File::EXCL, 0o644) { |file| file.binmode.write(bytes) }
        File.rename(part, path)
      ensure
        FileUtils.rm_f(part)
      end
    end

    ALL = [
      ["distribute_files", %i[tracker seeder peer], %i[murder_path],
       "Sends murder's programs to all servers. Each host gets the programs for its own platform, whatever its " \
       "role, into remote_murder_path, which is emptied first; a directory of 1,000 files or more is refused. " \
       "A host that has exactly these files already is skipped. " \
       "The pid files in its run/ are kept, so that what is running can still be stopped."],
      ["start_tracker", %i[tracker], %i[murder_path],
       "Starts the tracker. Returns when it listens on tracker_port (8998); when it is running already, that is fine."],
      ["stop_tracker", %i[tracker], %i[murder_path],
       "Stops the tracker. If it is not running, that is an error."],
      ["create_torrent", %i[seeder], %i[tag files_path murder_path],
       "Packs files_path on the seeder and makes a .torrent of it. The archive is TEMP/TAG.tgz, without any .git* " \
       "entry (with path_is_file=1, a copy of the file); TEMP/TAG.tgz.torrent stands beside it and is downloaded to " \
       "the same path on this machine, unless do_not_download_torrent=1. Use the same tag with the other tasks."],
      ["download_torrent", %i[seeder], %i[tag],
       "Fetches the .torrent from the seeder again. Needed only if the one from create_torrent was lost."],
      ["start_seeding", %i[seeder], %i[tag murder_path],
       "Starts the seeder. Returns when the tracker knows it; it serves TEMP/TAG.tgz until stop_seeding."],
      ["stop_seeding", %i[seeder], %i[tag murder_path],
       "Stops the seeder of the tag. If it is not running, that is an error. Peers that still download find the " \
       "rest with one another, once one copy is out."],
      ["stop_all_seeding", %i[seeder], %i[murder_path],
       "Stops every seeder of this installation."],
      ["peer", %i[peer], %i[tag destination_path murder_path],
       "Brings the files to all peers. They download from the seeder and from one another and extract to " \
       "destination_path/TAG/* (no_tag_directory=1: to destination_path/*; path_is_file=1: copy the file to " \
       "destination_path). A destination that is not empty is refused before anything is transferred; " \
       "unsafe_please_delete=1 empties it. Each goes on seeding in the background for 30 seconds."],
      ["stop_peering", %i[peer], %i[tag murder_path],
       "Stops the peers of the tag."],
      ["stop_all_peering", %i[peer], %i[murder_path],
       "Stops every peer of this installation."],
      ["clean_temp_files", %i[peer seeder], %i[tag],
       "Removes the archive and the .torrent of the tag from the hosts' temporary directory, and what killed " \
       "programs have left of them."]
    ].map do |name, roles, needs, description|
      Task.new(name: name, roles: roles, needs: needs, description: description, body: Bodies.method(name)).freeze
    end.freeze

    # What Capistrano 3 asks of an SCM plugin. Hooks invoke these in a deploy.
    DEPLOY = {
      "check" => "Checks all that a deploy by murder needs: roles, settings, git on the seeder and the repository. " \
                 "Then sends murder's programs to servers that have not got them (murder_distribute).",
      "create_release" => "Brings the release to all servers. Packed once, sent by a transfer of its own, unpacked " \
                          "into release_path; if anything fails, nothing of it is left.",
      "set_current_revision" => "Tells Capistrano which commit this is.",
      "set_current_revision_time" => "Tells Capistrano when it was made."
    }.freeze

    # @return [Task]
    def self.[](name)
      ALL.find { |task| task.name == name } || raise(KeyError, "no task #{name}")
    end
  end
end
