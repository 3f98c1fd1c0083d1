# frozen_string_literal: true

module Lab
  # What goes wrong during a run, and when: each fault waits for its moment, then
  # happens once. `expected` is the time of one copy over one link.
  class Faults
    # A condition and what follows; both are asked often.
    Fault = Struct.new(:name, :due, :act)

    attr_reader :happened, :killed

    def initialize(run, expected)
      @run = run
      @network = run.network
      @settings = @network.settings
      @expected = expected
      @killed = []
      @happened = []
      @faults = [kill, cut, seeder_dies, tracker_dies].compact
    end

    # What is due at this time after the start, in seconds, happens.
    def step(seconds)
      @faults.reject! do |fault|
        next unless fault.due.call(seconds)

        fault.act.call(seconds)
        @happened << format("%<name>s at %<seconds>.1f s", name: fault.name, seconds: seconds)
      end
    end

    # Those that never came to pass.
    def missed = @faults.map(&:name)

    # Whether every piece is at some receiver, whole and on its disk. Pieces are
    # written once they are verified, so what is not a hole in the file is there.
    def self.all_pieces?(files, length, piece)
      found = Array.new((length + piece - 1) / piece, false)
      files.each { |file| mark(found, file, piece) }
      found.all?
    end

    def self.mark(found, path, piece)
      File.open(path) do |file|
        position = 0
        loop do
          position = file.seek(position, IO::SEEK_DATA) && file.pos
          file.seek(position, IO::SEEK_HOLE)
          (position.fdiv(piece).ceil...(file.pos.fdiv(piece).ceil)).each { |number| found[number] = true }
          position = file.pos
        end
      end
    rescue Errno::ENXIO, Errno::ENOENT
      nil # no more data; not begun
    end

    private

    def kill
      return if @settings.whole("KILL").zero?

      Fault.new("#{@settings["KILL"]} hosts lose power", after(@settings["KILL_AT"].to_f), lambda { |_|
        @killed = @network.receivers.first(@settings.hosts - @settings.slow).sample(@settings.whole("KILL"))
        @killed.each { |node| @network.power_off(node) }
      })
    end

    def cut
      return if @settings.whole("CUT").zero?

      nodes = @network.receivers.sample(@settings.whole("CUT"))
      Fault.new("#{nodes.size} links are cut for two seconds", after(@settings["KILL_AT"].to_f), lambda { |from|
        nodes.each { |node| @network.cut(node) }
        mend = ->(_) { nodes.each { |node| @network.mend(node) } }
        @faults += [Fault.new("they are mended", ->(seconds) { seconds > from + 2 }, mend)]
      })
    end

    def seeder_dies
      return unless @settings.flag?("SEEDER_DIES")

      due = lambda { |_|
        # what only a host without power had is gone
        files = (@network.receivers - @killed.to_a).flat_map do |node|
          [@run.contestant.partial(node), @run.contestant.output(node)].map { |file| @network.path(file) }
        end
        self.class.all_pieces?(files, @settings.size, @settings.piece)
      }
      Fault.new("the seeder is killed", due, ->(_) { @run.server("seeder").kill })
    end

    def tracker_dies
      return unless @settings.flag?("TRACKER_DIES")

      due = ->(_) { @run.contestant.n_peers > @settings.hosts }
      Fault.new("the tracker is killed", due, ->(_) { @run.server("tracker").kill })
    end

    def after(part) = ->(seconds) { seconds >= part * @expected }
  end
end
