# frozen_string_literal: true

require_relative "local_checkout"

module Murder
  class Capistrano3
    # The release from the files where cap runs, as they are, committed or not.
    class WorkingTree < LocalCheckout
      def check
        return if File.directory?(directory)

        raise OptionError, "repo_tree #{tree.inspect} is no directory in #{Dir.pwd}"
      end

      def revision_time
        Time.now.to_i.to_s
      end

      private

      def find_revision
        commit = local("git", "rev-parse", "HEAD") or return "unknown"
        local("git", "status", "--porcelain").to_s.empty? ? commit : "#{commit}-modified"
      end

      # `.git` is a directory, or a file in a submodule.
      def pack(file)
        local!("tar", "-czf", file, "--exclude=.git", "-C", directory, ".")
      end

      def directory
        tree.empty? ? Dir.pwd : File.join(Dir.pwd, tree)
      end
    end
  end
end
