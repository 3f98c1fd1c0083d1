# frozen_string_literal: true

class Contestant
  # murder_client; done when the command returns.
  class Ours < Contestant
    named "murder", "murder_client", "murder"
    PROGRAMS = File.expand_path(ENV.fetch("MURDER_PROGRAMS", File.expand_path("../../../ext/murder/build", __dir__)))

    def self.programs = PROGRAMS

    def self.missing
      return if File.executable?(File.join(programs, "murder_client"))

      "#{programs}/murder_client: not there: rake compile or rake dist"
    end

    def done? = File.exist?(path("done.exit"))
    def finished_at = File.stat(path("done.exit")).mtime.to_f

    private

    def seed_command = command("seeder")
    def fetch_command = command("peer", "--linger", 600)

    def command(role, *options)
      [File.join(self.class.programs, "murder_client"), role, torrent, target, address, "--port", port,
       "--run-dir", path("run"), "--timeout", 60, *options]
    end
  end
end
