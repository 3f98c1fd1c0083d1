# frozen_string_literal: true

require "capistrano/recipes/deploy/strategy/copy"
require_relative "../../../../murder/capistrano2"

module Capistrano
  module Deploy
    module Strategy
      # `set :deploy_via, :murder`: Capistrano's Copy, with the archive
      # uploaded once, to the seeder, and distributed from there.
      class Murder < Copy
        # Adds murder's programs to what `deploy:check` looks for.
        def check!
          path = adapter.translated { adapter.read_options([:murder_path]).murder_path }
          super.check do |d|
            d.remote.file(::Murder::Command.path("#{path}/murder_client").to_s)
             .or("murder's programs are not in `#{path}'. Please run `cap murder:distribute_files'.")
          end
        end

        # Copy's, on this machine first.
        def deploy!
          adapter.translated { super }
        end

        # Brings the local archive to the same remote path on every peer.
        #
        # @param filename [String] local
        # @param remote_filename [String]
        # @param options [Hash] :via, from the variable copy_via
        def upload(filename, remote_filename, options = {})
          adapter.translated do
            adapter.with(transfer_of(filename, remote_filename)) do
              seeders = adapter.hosts(:seeder)
              adapter.info("Uploading release to seeder...")
              adapter.run(commands.no_link(remote_filename), seeders)
              adapter.upload(filename, remote_filename, seeders, via: options.fetch(:via, :sftp))
              distribute_from_seeder
            end
          end
        end

        private

        # Whatever happens, the archive stays nowhere: seeders and peers that
        # get no release do not unpack and remove it.
        def distribute!
          super
        ensure
          adapter.cleaning do
            adapter.attempt { adapter.run(commands.remove(remote_filename), adapter.hosts(:peer, :seeder)) }
          end
        end

        def distribute_from_seeder
          ::Murder::Transfer.new(adapter).call
        ensure
          FileUtils.rm_f(File.expand_path(adapter.read_options.torrent))
        end

        def transfer_of(filename, remote_filename)
          { tag: File.basename(filename), files_path: remote_filename, destination_path: remote_filename,
            path_is_file: "yes", no_tag_directory: nil, unsafe_please_delete: nil, do_not_download_torrent: nil }
        end

        def commands
          ::Murder::Commands.new(adapter.read_options)
        end

        def adapter
          @adapter ||= ::Murder::Capistrano2.install(configuration)
        end
      end
    end
  end
end
