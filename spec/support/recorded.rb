# frozen_string_literal: true

# What the recorders for Capistrano 2 and 3 have in common: what the hosts
# answer, and how the script reads.
module Recorded
  Answer = Struct.new(:pattern, :hosts, :out, :err, :status, :error, keyword_init: true)

  # What hosts answer to commands that match; the last one told wins.
  #
  # @param said hosts:, out:, err:, status:, or error: to be raised
  def answer(pattern, **said)
    @answers.unshift(Answer.new(pattern: pattern, out: "", err: "", status: 0, **said))
  end

  def text = "#{script.join("\n")}\n"

  # The commands only, without hosts.
  def commands
    script.grep(/ \$ /).map { |line| line.split(" $ ", 2).last }
  end

  private

  def answer_to(text, host)
    @answers.find { |one| one.pattern.match?(text) && (one.hosts.nil? || one.hosts.include?(host)) }
  end

  def local_name(path)
    path.respond_to?(:read) ? "#{path.read.bytesize} bytes" : File.basename(path)
  end

  # For the examples.
  module Helpers
    attr_reader :recorder

    # Programs for every platform, for examples that are not about them.
    def pretend_payload
      payload = instance_double(Murder::Payload, platform: "linux-x86_64", write: "/dev/null", kilobytes: 1,
                                                 inventory: ["sum"])
      allow(Murder::Programs).to receive(:directory).and_return("/nowhere")
      allow(Murder::Payload).to receive(:new).and_return(payload)
    end
  end
end
