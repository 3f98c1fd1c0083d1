# frozen_string_literal: true

require "digest"
require "find"

module Hosts
  # A directory as values that can be compared: what is in it, byte by byte.
  module Tree
    module_function

    # { "a/b" => "file x 5891b5b5…", "a/link" => "link -> b", "a" => "directory" }
    # of everything below `dir`, but for the entries the block rejects by name.
    def of(dir)
      found = {}
      Find.find(dir) do |path|
        next if path == dir
        next Find.prune if block_given? && yield(File.basename(path))

        found[path[(dir.size + 1)..]] = describe(path)
      end
      found
    end

    # The same without .git*, which murder and `git archive` leave out.
    def without_git(dir)
      of(dir) { |name| name.start_with?(".git") }
    end

    # What differs: [[path, here, there], …]
    def difference(one, other)
      (one.keys | other.keys).sort.filter_map { |path| [path, one[path], other[path]] if one[path] != other[path] }
    end

    def describe(path)
      stat = File.lstat(path)
      return "link -> #{File.readlink(path)}" if stat.symlink?
      return "directory" if stat.directory?

      "file#{" x" if stat.executable?} #{Digest::SHA256.file(path).hexdigest}"
    end
  end
end
