# frozen_string_literal: true

require_relative "../capistrano3"
require_relative "../commands"
require_relative "../errors"
require_relative "../machines"

module Murder
  class Capistrano3
    # One release to all servers: the archive of the source, on the seeder, by
    # the tasks of a transfer to every peer, unpacked where Capistrano wants the
    # release. Whatever happens, nothing of it is left but the release, and that
    # only if all went well.
    #
    # A source gives
    #   check                raises what stands in the way of `archive`
    #   archive(tag, seeder) makes a .tar.gz on the seeder and gives its path there
    #   clean                removes that
    #   revision, revision_time
    class Release
      # @param adapter [Capistrano3]
      def initialize(adapter, source)
        @adapter = adapter
        @source = source
      end

      # Before `deploy:check`: says what is wrong before anything is done, then
      # puts the programs where they are missing.
      def check
        check_settings
        seeder
        source.check
        Machines.refuse_twins(adapter, peers, adapter.capture(commands([:murder_path]).machine, peers))
        distribute
      end

      # @param path [String] where the release goes
      def create(path)
        check_settings
        options = transfer(path)
        adapter.with(options) do
          adapter.run(commands.new_release(path), peers)
          begin
            options[:files_path] = source.archive(File.basename(path), seeder)
            Transfer.new(adapter, tracker: tracker?).call
            done = true
          ensure
            finish(path, done)
          end
        end
      end

      private

      attr_reader :adapter, :source

      # The release is made by unpacking below its parent under the tag's name.
      def transfer(path)
        { tag: File.basename(path), destination_path: File.dirname(path), path_is_file: "yes", extract: true,
          files_path: nil, no_tag_directory: nil, unsafe_please_delete: nil, do_not_download_torrent: nil,
          outside_links: outside_links? }
      end

      def finish(path, done)
        adapter.cleaning do
          adapter.attempt { adapter.run(commands.remove_release(path), peers) } unless done
          adapter.attempt { source.clean }
        end
        FileUtils.rm_f(File.expand_path(adapter.read_options.torrent)) unless adapter.dry_run?
      end

      def check_settings
        if adapter.deploy_to.nil?
          raise OptionError, "set :application, \"name\" or :deploy_to, \"/srv/name\" in config/deploy.rb: without " \
                             "them it is not clear where releases go"
        end
        adapter.hosts(:tracker)
        left_out = adapter.release_servers - peers
        return if left_out.empty?

        raise HostsError, "#{left_out.map { |one| adapter.host_name(one) }.join(", ")}: " \
                          "gets releases, but has not the role peer: give it that role, or no_release: true"
      end

      def peers
        adapter.hosts(:peer)
      end

      def seeder
        seeders = adapter.hosts(:seeder)
        return seeders.first if seeders.one?

        raise HostsError, "a release is packed on one server, and #{seeders.size} have the role seeder: " \
                          "#{seeders.map { |one| adapter.host_name(one) }.join(", ")}"
      end

      def distribute
        adapter.whole_fleet do
          next adapter.invoke("distribute_files") if yes?(:murder_distribute)

          adapter.run(commands([:murder_path]).check_programs, adapter.hosts(:tracker, :seeder, :peer))
        end
      end

      # A tracker that runs already is somebody's, and goes on.
      def tracker?
        return false unless yes?(:murder_manage_tracker)

        runs = adapter.capture(commands([:murder_path]).tracker_runs, adapter.hosts(:tracker))
        runs.values.none? { |said| said.strip == "runs" }
      end

      def outside_links?
        value = adapter.variable(:murder_outside_links)
        value.nil? || value
      end

      def yes?(name)
        ![false, nil, "false", "no", "0", ""].include?(adapter.variable(name))
      end

      def commands(needs = [])
        Commands.new(adapter.read_options(needs))
      end
    end
  end
end
