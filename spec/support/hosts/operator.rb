# frozen_string_literal: true

require "fileutils"

module Hosts
  # Somebody who runs cap: a directory on the control host with a Capfile.
  class Operator
    ROOT = File.expand_path("../../..", __dir__)

    # Bundler has found the gems for this process; that cap need not search them
    # anew is a fifth to a quarter of the CPU time of its start.
    GEMS = Gem.loaded_specs.values.reject(&:default_gem?).flat_map(&:full_require_paths).freeze
    WITHOUT_BUNDLER = { "RUBYOPT" => nil, "RUBYLIB" => nil }.freeze

    attr_reader :dir, :fleet

    # @param capfile [String] Ruby; `connection` is put before it
    def initialize(fleet, name, capfile)
      @fleet = fleet
      @dir = fleet.workdir.mkdir("operator", name)
      self.capfile = capfile
    end

    def capfile=(text)
      File.write(File.join(@dir, "Capfile"), connection + text)
    end

    # Runs cap to its end; a Result.
    def cap(*arguments, env: {})
      @fleet.capture(*command(arguments), env: WITHOUT_BUNDLER.merge(env), chdir: @dir)
    end

    # The same, but raises with what cap said when it fails.
    def cap!(*arguments, env: {})
      @fleet.capture!(*command(arguments), env: WITHOUT_BUNDLER.merge(env), chdir: @dir)
    end

    # Starts cap, as a Job.
    def start(*arguments, env: {})
      @fleet.spawn(*command(arguments), env: WITHOUT_BUNDLER.merge(env), chdir: @dir)
    end

    # The lines of a Capfile that tell Capistrano 2 how to reach this fleet.
    def connection
      <<~RUBY
        $LOAD_PATH.unshift #{File.join(ROOT, "lib").inspect}
        set :user, #{@fleet.hosts.first.user.inspect}
        set :use_sudo, false
        set :ssh_options, #{@fleet.ssh_options.inspect}
      RUBY
    end

    private

    def command(arguments)
      [RbConfig.ruby, "-I", GEMS.join(File::PATH_SEPARATOR), Gem.bin_path("capistrano", "cap"), *arguments]
    end
  end
end
