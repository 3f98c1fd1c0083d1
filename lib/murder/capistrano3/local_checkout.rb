# frozen_string_literal: true

require "open3"
require "tmpdir"
require_relative "../commands"
require_relative "../errors"

module Murder
  class Capistrano3
    # The release from the git checkout in which cap runs: `git archive` of the
    # branch, uploaded once, to the seeder.
    class LocalCheckout
      # @param adapter [Capistrano3]
      def initialize(adapter, _plugin)
        @adapter = adapter
      end

      def check
        revision
        return if tree.empty? || local("git", "rev-parse", "--verify", "--quiet", what)

        raise OptionError, "repo_tree #{tree.inspect} is no directory of #{branch}"
      end

      # @return [String] the archive's path on the seeder
      def archive(tag, seeder)
        check
        Dir.mktmpdir("murder") do |dir|
          file = File.join(dir, "#{tag}.tar.gz")
          pack(file) unless adapter.dry_run?
          upload(file, seeder)
        end
      end

      # @return [String] the commit
      def revision
        @revision ||= find_revision
      end

      # @return [String] its time, in seconds
      def revision_time
        local("git", "--no-pager", "log", "-1", "--pretty=format:%ct", revision, "--")
      end

      def clean
        return if @archive.nil?

        adapter.run(Commands.new(adapter.read_options).remove(@archive), adapter.hosts(:seeder))
      end

      private

      attr_reader :adapter

      def find_revision
        unless local("git", "rev-parse", "--git-dir")
          raise OptionError, "#{Dir.pwd} is no git checkout: set :murder_source, :working_tree to deploy its files"
        end

        local("git", "rev-parse", "--verify", "--quiet", "#{branch}^{commit}") ||
          raise(OptionError, "branch #{branch.inspect} is not in the git checkout #{Dir.pwd}: set :branch to a " \
                             "branch, tag or commit that is there")
      end

      def pack(file)
        local!("git", "archive", "--format=tar.gz", "--output=#{file}", what)
      end

      def upload(file, seeder)
        options = adapter.read_options
        @archive = "#{options.temp_path.chomp("/")}/#{File.basename(file)}"
        adapter.run(Commands.new(options).no_link(@archive), [seeder])
        adapter.upload(file, @archive, [seeder])
        @archive
      end

      def what
        tree.empty? ? revision : "#{revision}:#{tree}"
      end

      def tree
        adapter.variable(:repo_tree).to_s[%r{\A/?(.*?)/?\z}, 1]
      end

      def branch
        adapter.variable(:branch).to_s
      end

      # @return [String, nil] what it said, if it went well
      def local(*command)
        out, _, status = Open3.capture3(*command)
        out.strip if status.success?
      rescue Errno::ENOENT
        nil
      end

      def local!(*command)
        _, err, status = Open3.capture3({ "COPYFILE_DISABLE" => "1" }, *command)
        return if status.success?

        raise OptionError, "#{command.first} on this machine: #{CommandError.last_words(out: "", err: err)}"
      rescue Errno::ENOENT
        raise OptionError, "#{command.first} is not on this machine"
      end
    end
  end
end
