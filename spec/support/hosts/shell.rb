# frozen_string_literal: true

require "open3"
require "shellwords"

module Hosts
  # What a finished command left.
  Result = Struct.new(:argv, :status, :out, :err, :seconds, keyword_init: true) do
    def ok?
      status.zero?
    end

    def text
      out + err
    end
  end

  # Runs commands to their end.
  module Shell
    module_function

    # Runs argv; its Result, whatever the status. 128 + signal when it was killed.
    def run(*argv, env: {}, chdir: nil, stdin: "")
      from = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      options = { stdin_data: stdin, unsetenv_others: false }
      options[:chdir] = chdir unless chdir.nil?
      out, err, status = Open3.capture3(env, *argv, **options)
      Result.new(argv: argv, status: code(status), out: out.scrub, err: err.scrub,
                 seconds: Process.clock_gettime(Process::CLOCK_MONOTONIC) - from)
    end

    # As run, but raises with the command's words when it fails. Gives stdout.
    def run!(*argv, **options)
      result = run(*argv, **options)
      return result.out if result.ok?

      raise Error, "#{Shellwords.join(argv)}: status #{result.status}: #{result.text.strip}"
    end

    # The status as a shell tells it.
    def code(status)
      status.exitstatus || (128 + status.termsig)
    end
  end
end
