# frozen_string_literal: true

module Murder
  # What murder raises; the message is one line (or one per host) for the
  # operator: what is wrong, where, and what to do.
  class Error < StandardError; end

  # An argument or variable is missing or not usable. Nothing has been run.
  class OptionError < Error; end

  # A role has no servers, or not the ones a step needs.
  class HostsError < Error; end

  # The programs for a platform are not there.
  class ProgramsError < Error; end

  # A command failed on some hosts.
  class CommandError < Error
    # How much of what a host said last belongs to the reason.
    LAST_LINES = 4
    private_constant :LAST_LINES

    # @return [Hash{String => String}] host => what it said last
    attr_reader :failures

    # The end of what a host said, on stderr if it used it.
    #
    # @return [String] one line
    def self.last_words(out:, err:)
      text = err.strip.empty? ? out : err
      lines = text.scrub("?").lines(chomp: true).map(&:strip).reject(&:empty?)
      return "failed without a word" if lines.empty?

      said = lines.last(LAST_LINES).join("; ")
      said.match?(/murder_\w+: (?:not found|No such file)/) ? "#{said}: run `cap murder:distribute_files` first" : said
    end

    # @param failures [Hash{String => String}] host => reason
    # @param n_hosts [Integer] on how many hosts the command ran
    # @param what [String] what was being done, such as "murder:peer"
    def initialize(failures, n_hosts:, what:)
      @failures = failures
      super(describe(n_hosts, what))
    end

    # @param words [Regexp]
    # @return [Array<String>] the hosts that gave such a reason
    def hosts_saying(words)
      failures.select { |_, reason| reason.match?(words) }.keys
    end

    private

    def describe(n_hosts, what)
      same = failures.group_by { |_, reason| reason }
      lines = same.map { |reason, pairs| "#{pairs.map(&:first).join(", ")}: #{reason}" }
      return "#{what} failed on #{lines.first}" if lines.size == 1

      "#{what} failed on #{failures.size} of #{n_hosts} hosts:\n#{lines.map { |line| "  #{line}" }.join("\n")}"
    end
  end
end
