# frozen_string_literal: true

require "fileutils"
require "open3"
require "tmpdir"

# Systems other than this one, as directories a host of Hosts::Fleet can have in
# place of the machine's (`roots:`). Made once, kept in murder's cache.
module Roots
  # Why a system cannot be had here; specs skip with it.
  class Unavailable < StandardError; end

  MIRROR = ENV.fetch("MURDER_MIRROR", "http://deb.debian.org")
  MOUNT_POINTS = %w[dev proc sys tmp srv run var/tmp mnt etc].freeze
  # With sshd, what it runs itself; of these, those that this release has.
  SSH = %w[/usr/sbin/sshd /usr/bin/scp /usr/lib/openssh/sshd-session /usr/lib/openssh/sshd-auth].freeze

  module_function

  def cache
    user = ENV["XDG_CACHE_HOME"] || File.join(Dir.home, ".cache")
    File.join(ENV["MURDER_CACHE"] || File.join(user, "murder"), "roots")
  end

  # A Debian release with its own sshd. Fetching one takes a minute or more, so
  # that is done only when asked for (MURDER_FOREIGN=1, bin/test --dist).
  def debian(suite)
    made(suite) do |dir|
      raise Unavailable, "#{suite} is not in the cache; bin/test --dist fetches it" unless ENV["MURDER_FOREIGN"]

      needs("debootstrap")
      run!("debootstrap", "--variant=minbase", "--include=openssh-server", suite, dir, "#{MIRROR}/debian")
      FileUtils.rm_rf(Dir.glob("#{dir}/var/{cache/apt,lib/apt/lists}/*"))
    end
  end

  # busybox, which is static, and sshd with what it needs itself: no library
  # that a program of ours could use, where busybox is for another processor.
  def bare(cpu)
    made("bare-#{cpu}") do |dir|
      FileUtils.mkdir_p("#{dir}/bin")
      FileUtils.install(busybox(cpu), "#{dir}/bin/busybox", mode: 0o755)
      applets.each { |name| FileUtils.ln_s("busybox", "#{dir}/bin/#{name}") }
      SSH.select { |file| File.exist?(file) }.each { |file| copy_with_libraries(file, dir) }
      FileUtils.mkdir_p("#{dir}/usr/bin")
    end
  end

  # Runs the block while the kernel starts programs for that processor by qemu.
  # The registration is this machine's; what is there already is used.
  def emulating(cpu, &block)
    return block.call if cpu == `uname -m`.chomp || Dir.glob("/proc/sys/fs/binfmt_misc/*#{cpu}").any?
    raise Unavailable, "only root can have programs for #{cpu} run by qemu" unless Process.uid.zero?

    needs("qemu-#{cpu}-static")
    Binfmt.new(cpu).during(&block)
  end

  # An entry of binfmt_misc for the time of a block.
  class Binfmt
    DIR = "/proc/sys/fs/binfmt_misc"
    # Head of an ELF file for it, executable or position independent.
    MACHINES = { "aarch64" => '\xb7' }.freeze

    def initialize(cpu)
      @name = "murder-test-#{cpu}"
      head = '\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00'
      mask = '\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
      @entry = ":#{@name}:M::#{head}#{MACHINES.fetch(cpu)}\\x00:#{mask}:/usr/bin/qemu-#{cpu}-static:FP"
    end

    def during
      mounted = !File.exist?("#{DIR}/register")
      Roots.run!("mount", "-t", "binfmt_misc", "binfmt_misc", DIR) if mounted
      File.write("#{DIR}/register", @entry)
      yield
    rescue SystemCallError => e
      raise Unavailable, "binfmt_misc: #{e.message}"
    ensure
      File.write("#{DIR}/#{@name}", "-1") if File.exist?("#{DIR}/#{@name}")
      system("umount", DIR) if mounted
    end
  end

  def made(name)
    dir = File.join(cache, name)
    return dir if File.directory?(dir)
    raise Unavailable, "making the system #{name} takes root" unless Process.uid.zero?

    FileUtils.mkdir_p(cache)
    Dir.mktmpdir("new-", cache) do |temp|
      FileUtils.mkdir("#{temp}/root", mode: 0o755)
      yield "#{temp}/root"
      equip("#{temp}/root")
      File.rename("#{temp}/root", dir)
    end
    dir
  end

  # What Hosts::Host mounts things on.
  def equip(dir)
    FileUtils.mkdir_p([*MOUNT_POINTS, Dir.home.delete_prefix("/")].map { |one| "#{dir}/#{one}" })
    FileUtils.touch(%w[hosts passwd shadow].map { |file| "#{dir}/etc/#{file}" })
    File.write("#{dir}/etc/group", "root:x:0:\n") unless File.exist?("#{dir}/etc/group")
    FileUtils.rm_f("#{dir}/etc/resolv.conf")
    File.symlink("/run/murder-host/resolv.conf", "#{dir}/etc/resolv.conf")
  end

  def busybox(cpu)
    if cpu == `uname -m`.chomp
      path = needs("busybox")
      return path unless `ldd #{path} 2>&1`.include?("=>")

      raise Unavailable, "busybox is not static: apt-get install busybox-static"
    end
    foreign_busybox({ "aarch64" => "arm64", "x86_64" => "amd64" }.fetch(cpu))
  end

  # Debian's package for that processor, unpacked without being installed.
  def foreign_busybox(arch)
    dir = File.join(cache, "busybox-#{arch}")
    unless File.exist?("#{dir}/bin/busybox")
      Dir.mktmpdir("apt-", cache) do |temp|
        apt = private_apt(temp, arch)
        run!("apt-get", *apt, "-qq", "update")
        run!("apt-get", *apt, "-qq", "download", "busybox-static:#{arch}", chdir: temp)
        run!("dpkg-deb", "-x", Dir.glob("#{temp}/*.deb").first, dir)
      end
    end
    "#{dir}/bin/busybox"
  end

  def private_apt(dir, arch)
    FileUtils.mkdir_p(["#{dir}/lists/partial", "#{dir}/cache/archives/partial"])
    FileUtils.touch("#{dir}/status")
    File.write("#{dir}/sources.list", "deb [arch=#{arch} signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] " \
                                      "#{MIRROR}/debian bookworm main\n")
    { "Dir::Etc::SourceList" => "#{dir}/sources.list", "Dir::Etc::SourceParts" => "/dev/null",
      "Dir::State::Lists" => "#{dir}/lists", "Dir::State::status" => "#{dir}/status", "Dir::Cache" => "#{dir}/cache",
      "APT::Architecture" => arch, "APT::Architectures" => arch, "APT::Sandbox::User" => "" }
      .flat_map { |name, value| ["-o", "#{name}=#{value}"] }
  end

  def applets
    `busybox --list`.split - %w[busybox]
  end

  def copy_with_libraries(file, dir)
    libraries = `ldd #{file}`.scan(%r{(/\S+) \(0x}).flatten
    [file, *libraries].each do |one|
      FileUtils.mkdir_p("#{dir}#{File.dirname(one)}")
      FileUtils.cp(File.realpath(one), "#{dir}#{one}")
    end
  end

  def needs(program)
    dirs = ENV.fetch("PATH").split(":") | %w[/usr/sbin /sbin]
    dirs.map { |dir| File.join(dir, program) }.find { |path| File.executable?(path) } ||
      raise(Unavailable, "#{program} is missing: bin/setup --dist installs it")
  end

  def run!(*argv, **options)
    said, status = Open3.capture2e(*argv, **options)
    raise Unavailable, "#{argv.first}: #{said.lines.last}" unless status.success?
  end
end
