# frozen_string_literal: true

require_relative "units"

module Lab
  # What a lab is like and what happens in it. All can be given on the command
  # line: rake lab HOSTS=64 RATE=10mbit.
  class Settings
    # Name, default, meaning.
    TABLE = [
      ["HOSTS", "16", "receivers; one host more holds the tracker and the seeder"],
      ["RATE", "20mbit", "each host's link, both ways"],
      ["SIZE", "64MiB", "the payload, random bytes"],
      ["PIECE", "256KiB", "length of a piece"],
      ["RUNS", "1", "repetitions; the median is told, with the spread"],
      ["QUEUE", "128KiB", "the buffer in front of each link"],
      ["MTU", "1500", "bytes of the largest packet; 9000 for jumbo frames"],
      ["UNIT", "8KiB", "bytes that pass a link at once, as network cards do with TSO and GRO; 0: a packet"],
      ["CC", "cubic", "TCP's congestion control"],
      ["RACKS", "0", "racks the receivers are in, each with a switch of its own; 0: one switch"],
      ["OVERSUBSCRIPTION", "4", "links of a rack's hosts against the rack's own"],
      ["STRIPES", "1", "0: murder's clients are given --no-stripes"],
      ["RACKS_BY", "label", "how hosts know their rack: label, subnet (10.66.RACK.0/24), or nothing"],
      ["SLOW", "0", "hosts, the last ones, with a slower link"],
      ["SLOW_RATE", "2mbit", "that link"],
      ["KILL", "0", "receivers that lose power in the middle"],
      ["KILL_AT", "0.5", "when: in units of one copy over one link"],
      ["SEEDER_DIES", "0", "1: the seeder loses power once every piece is at some receiver"],
      ["TRACKER_DIES", "0", "1: the tracker is killed once everybody has announced"],
      ["CUT", "0", "receivers whose link is cut at KILL_AT for two seconds"],
      ["LINGER", "30", "seconds a receiver goes on serving"],
      ["TIMEOUT", "0", "seconds after which a run is given up; 0: ten times the bound and a minute"],
      ["CURVE", "", "where the completion curve goes (SVG)"],
      ["VERIFY", "1", "0: do not compare what arrived with the payload"]
    ].freeze

    def self.help
      TABLE.map { |name, default, meaning| "  #{name.ljust(17)} #{default.ljust(9)} #{meaning}" }
    end

    def initialize(given = {})
      @values = TABLE.to_h { |name, default, _| [name, given.fetch(name, default).to_s] }
    end

    # The same with other values.
    def with(changes)
      Settings.new(@values.merge(changes.transform_values(&:to_s)))
    end

    def [](name) = @values.fetch(name)
    def whole(name) = Integer(self[name])
    def hosts = whole("HOSTS")
    def rate = Units.rate(self["RATE"])
    def slow_rate = Units.rate(self["SLOW_RATE"])
    def size = Units.bytes(self["SIZE"])
    def piece = Units.bytes(self["PIECE"])
    def queue = Units.bytes(self["QUEUE"])
    def mtu = whole("MTU")

    # Packets that pass a link at once; 0 where that is not asked for.
    def unit
      most = queue / 8 / mtu
      packets = Units.bytes(self["UNIT"]) / mtu
      raise ArgumentError, "UNIT=#{self["UNIT"]}: more than an eighth of QUEUE" if packets > most

      packets
    end

    # The links in words.
    def links
      Units.show_rate(rate) + (unit.zero? ? "" : " (#{unit} packets at once)")
    end

    def racks = whole("RACKS")
    def slow = whole("SLOW")
    def pieces = (size + piece - 1) / piece
    def flag?(name) = self[name] == "1"

    def racks_by?(how) = racks.positive? && self["RACKS_BY"] == how

    def rack_rate
      rate * (hosts / racks) / whole("OVERSUBSCRIPTION")
    end

    # Those that differ from the defaults, as they are given on the command line.
    def command
      changed = TABLE.filter_map { |name, default, _| "#{name}=#{self[name]}" if self[name] != default }
      ["rake lab", *changed].join(" ")
    end
  end
end
