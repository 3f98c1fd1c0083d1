# frozen_string_literal: true

class Contestant
  # cp of the file beside the torrent: no network, no hash. The bound of what a
  # disk takes, not a competitor.
  class Copy < Contestant
    named "cp", "cp", "coreutils"

    def seed(_file) = self
    def done? = File.exist?(path("done.exit"))
    def finished_at = File.stat(path("done.exit")).mtime.to_f

    private

    def fetch_command = ["cp", "--reflink=never", File.join(File.dirname(torrent), @name), target]
  end
end
