# frozen_string_literal: true

require "stringio"
require_relative "../command"
require_relative "../errors"

module Murder
  class Capistrano3
    # The release from a git mirror on the seeder, which alone talks to the
    # repository: Capistrano's Git plugin, on one server.
    class SeederGit
      WRAPPER = <<~SH
        #!/bin/sh -e
        exec /usr/bin/env ssh -o PasswordAuthentication=no -o StrictHostKeyChecking=no "$@"
      SH
      private_constant :WRAPPER

      # @param adapter [Capistrano3]
      # @param plugin [::Capistrano::SCM::Git] what speaks git on a server
      def initialize(adapter, plugin)
        @adapter = adapter
        @plugin = plugin
      end

      def check
        raise OptionError, "set :repo_url, \"git@example.com:me/my_repo.git\" in config/deploy.rb" if repo_url.empty?

        on_seeder { |backend| raise_without_git(backend) }
        with_wrapper do
          on_seeder { plugin.check_repo_is_reachable }
          on_seeder { |backend| check_branch(backend) }
        end
      end

      # @return [String] the archive's path on the seeder
      def archive(tag, _seeder)
        with_wrapper { on_seeder { |backend| update(backend) } }
        find_revision
        # beside the mirror, where nobody else can have prepared anything
        @archive = "#{repo_path}/murder-#{tag}.tar.gz"
        on_seeder { |backend| backend.within(repo_path) { pack(backend, @archive) } }
        @archive
      end

      def revision
        find_revision if @revision.nil?
        @revision
      end

      def revision_time
        find_revision if @revision.nil?
        @revision_time
      end

      def clean
        on_seeder { |backend| backend.execute(:rm, "-f", Command.path(@archive).to_s) } if @archive
      end

      private

      attr_reader :adapter, :plugin

      # Asks the repository for a branch or tag by its name. What else a commit
      # may be called (`v1~2`, part of a checksum) only the mirror can tell.
      def check_branch(backend)
        return if adapter.dry_run? || !name?(branch)

        words = ["ls-remote", "--exit-code", plugin.git_repo_url, *refs].map { |word| Command.quote(word) }
        raise_without_branch unless backend.test(:git, *words, ">", File::NULL)
      end

      # What the branch may be called in the repository.
      def refs
        return [branch] if branch == "HEAD" || branch.start_with?("refs/")

        ["refs/heads/", "refs/tags/", "refs/"].map { |directory| "#{directory}#{branch}" }
      end

      def name?(branch)
        branch.match?(%r{\A[\w./+-]+\z}) && !branch.match?(/\A\h{4,}\z/)
      end

      def raise_without_branch
        raise OptionError, "branch #{branch.inspect} is not in #{repo_url}: set :branch to a branch, tag or commit " \
                           "that is there"
      end

      def update(backend)
        backend.execute(:mkdir, "-p", Command.path(File.dirname(repo_path)).to_s)
        plugin.clone_repo unless plugin.repo_mirror_exists?
        backend.within(repo_path) do
          plugin.update_mirror
          verify if adapter.variable(:git_verify_commit)
        end
      end

      # git says nothing of a commit that is not signed at all.
      def verify
        plugin.verify_commit
      rescue SSHKit::Command::Failed => e
        said = e.message[/stderr: (.*)\z/m, 1].to_s.lines.map(&:strip).grep_v(/\A(Nothing written)?\z/)
        raise OptionError, "the commit of #{branch.inspect} is not signed by a key that the seeder knows " \
                           "(git_verify_commit)#{": #{said.last}" if said.any?}"
      end

      def find_revision
        said = on_seeder do |backend|
          backend.within(repo_path) do
            next "" unless knows?(backend, "#{branch}^{commit}")

            backend.capture(:git, "--no-pager", "log", "-1", Command.quote("--pretty=format:%H %ct"),
                            Command.quote(branch), "--")
          end
        end
        @revision, @revision_time = said.split
        return if @revision || adapter.dry_run?

        raise_without_branch
      end

      def pack(backend, path)
        tree = adapter.variable(:repo_tree).to_s[%r{\A/?(.*?)/?\z}, 1]
        what = [@revision || branch, *(tree unless tree.empty?)].join(":")
        unless tree.empty? || knows?(backend, what)
          raise OptionError, "repo_tree #{tree.inspect} is no directory of #{branch} in #{repo_url}"
        end

        backend.execute(:git, "archive", "--format=tar.gz", Command.quote(what), ">", Command.path(path).to_s)
      end

      def knows?(backend, object)
        backend.test(:git, "rev-parse", "--verify", "--quiet", Command.quote(object), ">", File::NULL)
      end

      def raise_without_git(backend)
        return if backend.test(:git, "--version")

        raise OptionError, "git is not there: install it on the seeder, or `set :murder_source, :local`"
      end

      # Lets git use ssh, and nobody be asked for anything.
      def with_wrapper
        path = adapter.variable(:git_wrapper_path).to_s
        on_seeder do |backend|
          backend.execute(:mkdir, "-p", Command.path(File.dirname(path)).to_s)
          backend.upload!(adapter.dry_run? ? "wrapper" : StringIO.new(WRAPPER), path)
          backend.execute(:chmod, "700", Command.path(path).to_s)
        end
        yield
      ensure
        adapter.cleaning { adapter.attempt { on_seeder { |one| one.execute(:rm, "-f", Command.path(path).to_s) } } }
      end

      def on_seeder
        adapter.on_all(adapter.hosts(:seeder)) do |backend|
          backend.with(adapter.variable(:git_environmental_variables)) { yield backend }
        end.values.first
      end

      def repo_url
        adapter.variable(:repo_url).to_s
      end

      def repo_path
        plugin.repo_path.to_s
      end

      def branch
        adapter.variable(:branch).to_s
      end
    end
  end
end
