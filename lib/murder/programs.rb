# frozen_string_literal: true

require_relative "errors"
require_relative "version"

module Murder
  # Finds the compiled programs: in dist/ for any platform; before that, for
  # this machine's own, where the environment variable MURDER_PROGRAMS says and
  # where `gem install` (with MURDER_BUILD=system) or `rake compile` put them.
  module Programs
    NAMES = %w[murder_client murder_make_torrent murder_tracker].freeze
    ROOT = File.expand_path("../..", __dir__)
    private_constant :ROOT

    module_function

    # @return [String] this machine's platform, such as "linux-x86_64"
    def local_platform
      require "etc"
      uname = Etc.uname
      platform("#{uname[:sysname]} #{uname[:machine]}")
    end

    # @param uname [String] what `uname -sm` printed
    # @return [String] "<os>-<cpu>", or "" if that is no platform's name
    def platform(uname)
      os, cpu, *rest = uname.downcase.split
      return "" if cpu.nil? || rest.any? || "#{os}#{cpu}" !~ /\A[a-z0-9_.]+\z/

      cpu = { "amd64" => "x86_64", "arm64" => "aarch64" }.fetch(cpu, cpu)
      "#{os}-#{cpu}"
    end

    # @param platform [String] such as "linux-x86_64"
    # @return [String] the directory that holds all three programs
    # @raise [ProgramsError] when nobody has built them
    def directory(platform = local_platform)
      candidates(platform).find { |dir| NAMES.all? { |name| File.executable?(file(dir, name)) } } ||
        raise(ProgramsError, "no programs for #{platform}: `rake compile` builds them for this machine, `rake dist` " \
                             "for linux-x86_64 and linux-aarch64; for another, compile them on such a host and put " \
                             "them into #{File.join(ROOT, "dist", platform)}")
    end

    # In the gem, which can have no links, the programs of `rake dist` are one
    # file: which one it is, the name it is called by decides.
    #
    # @return [String] the file of a program in such a directory
    def file(directory, name)
      path = File.join(directory, name)
      return path if File.exist?(path) || !directory.start_with?(File.join(ROOT, "dist/"))

      File.join(directory, NAMES.first)
    end

    # Replaces this process by one of the programs.
    def exec(name, argv)
      Kernel.exec([file(directory, name), name], *argv)
    rescue Error, SystemCallError => e
      abort "#{name}: #{e.message}"
    end

    def candidates(platform)
      dist = File.join(ROOT, "dist", platform)
      return [dist] unless platform == local_platform

      spec = Gem.loaded_specs["murder"] || installed_spec
      # compiled on purpose, or in a checkout, goes before what the gem brings
      [ENV.fetch("MURDER_PROGRAMS", nil), spec&.extension_dir, File.join(ROOT, "ext/murder/build"), dist].compact
    end
    private_class_method :candidates

    # The gem these files belong to, if it is not activated: a program of exe/
    # was started by its path.
    def installed_spec
      Gem::Specification.find { |spec| spec.name == "murder" && spec.full_gem_path == ROOT }
    end
    private_class_method :installed_spec
  end
end
