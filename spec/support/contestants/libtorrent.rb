# frozen_string_literal: true

class Contestant
  # libtorrent (Rasterbar) by its Python binding.
  class Libtorrent < Contestant
    PYTHON = "/usr/bin/python3"
    named "libtorrent", PYTHON, "python3-libtorrent"

    def self.missing
      return if system(PYTHON, "-c", "import libtorrent", err: File::NULL)

      "libtorrent is not installed (Debian package #{package}; bin/setup --test installs it)"
    end

    private

    def seed_command = command("seed")
    def fetch_command = command("fetch")

    def command(mode)
      [PYTHON, File.join(HERE, "libtorrent_peer.py"), mode, torrent, path("data"), address, port, path("done")]
    end
  end
end
