# frozen_string_literal: true

require "digest"
require_relative "../support/hosts"
require_relative "../support/roots"
require "murder/programs"

# The programs of `rake dist` on systems that are not this one: another release,
# no library at all, another processor; by cap, as an operator does it.
RSpec.describe "The static programs on foreign systems", :e2e, :dist do
  dist = File.expand_path("../../dist", __dir__)
  capfile = <<~RUBY
    require "murder"
    set :remote_murder_path, "/srv/murder"
    role :peer, *%<hosts>p
    role(:tracker) { ENV.fetch("SEEDER") }
    role(:seeder) { ENV.fetch("SEEDER") }
  RUBY

  before do
    skip "namespaces of root's are needed" unless Hosts.kind == :root
    skip "no programs in dist/: rake dist" unless File.exist?("#{dist}/linux-x86_64/murder_client")
  end

  # The roots that can be had, of those named; the reasons for the others are said.
  def roots(*wanted)
    wanted.filter_map do |name|
      name.start_with?("bare-") ? Roots.bare(name.delete_prefix("bare-")) : Roots.debian(name)
    rescue Roots::Unavailable => e
      RSpec.configuration.reporter.message("#{self.class.description}: without #{name}: #{e.message}")
      nil
    end
  end

  # The machine's own system on host1, these on the next ones.
  def open_fleet(*names, &block)
    systems = roots(*names)
    skip "none of #{names.join(", ")} can be had here" if systems.empty?
    Hosts::Fleet.open(count: systems.size + 1, roots: systems.each.with_index(2).to_h { |dir, i| [i, dir] }, &block)
  end

  define_method(:operator) do |fleet|
    Hosts::Operator.new(fleet, "cap", format(capfile, hosts: fleet.hosts.map(&:name)))
  end

  # The programs of dist/ whatever was compiled here. Gives what cap said.
  define_method(:cap!) do |operator, *arguments, seeder: "host1"|
    result = operator.cap(*arguments, env: { "SEEDER" => seeder, "MURDER_PROGRAMS" => "#{dist}/linux-x86_64" })
    raise "cap #{arguments.join(" ")}: #{result.text}" unless result.ok?

    result.text
  end

  def make_files(host)
    host.sh!("mkdir -p '/srv/files/sub dir' && cd /srv/files && head -c 3000000 /dev/urandom > big && " \
             "echo hello > 'sub dir/süß' && ln -s big link && : > empty && chmod 755 empty")
  end

  def listing(host, dir)
    host.sh!("cd #{dir} && find . | sort && find . -type f -exec sha256sum {} + | sort && " \
             "ls -ld empty link | cut -c1-10")
  end

  # Tracker, seeder and peers: create_torrent to clean_temp_files.
  def manual_flow(fleet, operator, seeder)
    tag = "from-#{seeder.name}"
    make_files(seeder)
    cap!(operator, "murder:start_tracker", seeder: seeder.name)
    cap!(operator, "murder:create_torrent", "tag=#{tag}", "files_path=/srv/files", seeder: seeder.name)
    cap!(operator, "murder:start_seeding", "tag=#{tag}", seeder: seeder.name)
    cap!(operator, "murder:peer", "tag=#{tag}", "destination_path=/srv/out", seeder: seeder.name)
    %w[stop_peering stop_seeding].each { |task| cap!(operator, "murder:#{task}", "tag=#{tag}", seeder: seeder.name) }
    cap!(operator, "murder:stop_tracker", seeder: seeder.name)
    cap!(operator, "murder:clean_temp_files", "tag=#{tag}", seeder: seeder.name)
    expected = listing(seeder, "/srv/files")
    fleet.hosts.each { |host| expect(listing(host, "/srv/out/#{tag}")).to eq(expected), host.name }
    expect(fleet.hosts.map { |host| host.sh!("ls -A /tmp") }).to all(eq(""))
  end

  it "do the whole manual flow, with each system as tracker and seeder in turn" do
    open_fleet("bullseye", "trixie", "bare-x86_64") do |fleet|
      operator = operator(fleet)
      cap!(operator, "murder:distribute_files")
      fleet.hosts.each { |seeder| manual_flow(fleet, operator, seeder) }
    end
  end

  it "make one swarm of x86_64 and aarch64 hosts, each with its own programs" do
    skip "no programs for aarch64 in dist/: rake dist" unless File.exist?("#{dist}/linux-aarch64/murder_client")
    Roots.emulating("aarch64") do
      open_fleet("bare-x86_64", "bare-aarch64", "bare-aarch64") do |fleet|
        operator = operator(fleet)
        cap!(operator, "murder:distribute_files")
        sums = fleet.hosts.map { |host| host.sh!("sha256sum /srv/murder/murder_tracker").split.first }
        expect(sums).to eq(%w[x86_64 x86_64 aarch64 aarch64].map do |cpu|
          Digest::SHA256.file("#{dist}/linux-#{cpu}/murder_client").hexdigest
        end)
        manual_flow(fleet, operator, fleet[1])
        manual_flow(fleet, operator, fleet[3])
      end
    end
  rescue Roots::Unavailable => e
    skip e.message
  end

  it "are sent once: a host that has exactly these files is skipped, one that lacks something is not" do
    open_fleet("bare-x86_64") do |fleet|
      operator = operator(fleet)
      cap!(operator, "murder:distribute_files")
      expect(cap!(operator, "murder:distribute_files")).to include("host1, host2: has these programs already")
      before = fleet.hosts.map { |host| host.sh!("stat -c %i /srv/murder/murder_client") }
      fleet[2].sh!("echo x >> /srv/murder/murder_client")
      said = cap!(operator, "murder:distribute_files")
      expect(said).to include("host1: has these programs already")
      expect(fleet[1].sh!("stat -c %i /srv/murder/murder_client")).to eq(before.first)
      expect(fleet[2].sh!("/srv/murder/murder_client --version")).to start_with("murder_client ")
    end
  end

  # What cap says at its end when it fails, with nothing changed on the others.
  define_method(:refused) do |fleet|
    result = operator(fleet).cap("murder:distribute_files",
                                 env: { "SEEDER" => "host1", "MURDER_PROGRAMS" => "#{dist}/linux-x86_64" })
    expect(result.status).to eq(1)
    expect(fleet[1].sh!("ls -A /srv/murder 2>/dev/null || true")).to eq("")
    result.text.lines.last.strip
  end

  it "are not sent anywhere when one host's directory is mounted noexec: it is named" do
    Hosts::Fleet.open(count: 2) do |fleet|
      fleet[2].sh!("mount --bind /srv /srv && mount -o remount,bind,noexec /srv")
      expect(refused(fleet)).to eq(
        "murder:distribute_files failed on host2: remote_murder_path /srv/murder: no program can be run from there: " \
        "is it mounted noexec? Choose another directory"
      )
    end
  end

  it "are not sent anywhere when one host's disk is full: it is named, with the sizes" do
    Hosts::Fleet.open(count: 2, disk: { 2 => "2m" }) do |fleet|
      expect(refused(fleet)).to match(
        %r{failed on host2: remote_murder_path /srv/murder: the disk is full: \d+ KB needed, 20\d\d KB free\z}
      )
    end
  end

  it "are not sent anywhere when one host is of an unknown platform: it is named, with what to do" do
    Hosts::Fleet.open(count: 2) do |fleet|
      fleet[2].sh!("printf '#!/bin/sh\necho Linux riscv64\n' > /tmp/uname; chmod 755 /tmp/uname; " \
                   "mount --bind /tmp/uname /usr/bin/uname")
      expect(refused(fleet)).to match(/failed on host2: no programs for linux-riscv64: .*`rake dist`.*put them into /)
    end
  end

  it "are not sent anywhere when a host's shell prints something first: it is named, with what it said" do
    Hosts::Fleet.open(count: 2) do |fleet|
      fleet[2].sh!("echo 'echo Welcome' > ~/.bashrc")
      expect(refused(fleet)).to include('failed on host2: `uname -sm` named no platform, the host said "Welcome":')
    end
  end

  it "that cannot be unpacked are said with the cause, such as a disk without inodes" do
    Hosts::Fleet.open(count: 1) do |fleet|
      fleet[1].sh!("mkdir /srv/murder && mount -t tmpfs -o nr_inodes=3 none /srv/murder")
      result = operator(fleet).cap("murder:distribute_files",
                                   env: { "SEEDER" => "host1", "MURDER_PROGRAMS" => "#{dist}/linux-x86_64" })
      expect(result.text.lines.last).to match(/failed on host1: .*cannot unpack there: .*No space left on device/)
    end
  end

  # Has every `sh` of a host run as if the kernel had none of these system calls.
  def age(host, first, last)
    skip "the numbers are x86_64's" unless `uname -m`.chomp == "x86_64"
    system("cc", "-O1", "-o", host.path("/tmp/old_kernel"), File.expand_path("../support/old_kernel.c", __dir__),
           exception: true)
    host.sh!("cp /usr/bin/dash /tmp/dash; printf '#!/bin/bash\nexec /tmp/old_kernel #{first} #{last} /tmp/dash " \
             "\"$@\"\n' > /tmp/sh; chmod 755 /tmp/sh; mount --bind /tmp/sh /usr/bin/dash")
  end

  it "say so where the kernel is too old for them, and cap names the host" do
    Hosts::Fleet.open(count: 2) do |fleet|
      age(fleet[2], 291, 291)
      result = operator(fleet).cap("murder:distribute_files",
                                   env: { "SEEDER" => "host1", "MURDER_PROGRAMS" => "#{dist}/linux-x86_64" })
      expect(result.status).to eq(1)
      expect(result.text.lines.last.strip).to match(
        /failed on host2: the programs in .* do not run: .*Linux #{`uname -r`.chomp}, is too old: murder needs 2\.6\.27/
      )
    end
  end

  it "do with the system calls of Linux 2.6.27" do
    Hosts::Fleet.open(count: 2) do |fleet|
      make_files(fleet[1])
      fleet.hosts.each { |host| age(host, 295, 999) }
      operator = operator(fleet)
      cap!(operator, "murder:distribute_files")
      cap!(operator, "murder:start_tracker")
      cap!(operator, "murder:create_torrent", "tag=old", "files_path=/srv/files")
      cap!(operator, "murder:start_seeding", "tag=old")
      cap!(operator, "murder:peer", "tag=old", "destination_path=/srv/out")
      %w[stop_peering stop_seeding].each { |task| cap!(operator, "murder:#{task}", "tag=old") }
      cap!(operator, "murder:stop_tracker")
      fleet.hosts.each { |host| expect(listing(host, "/srv/out/old")).to eq(listing(fleet[1], "/srv/files")) }
    end
  end

  # A name server on the control host that knows these addresses.
  def serve_names(fleet, names)
    script = <<~RUBY
      require "resolv"; require "socket"
      names = #{names.inspect}
      socket = UDPSocket.new.tap { |one| one.bind("10.66.255.254", 53) }
      puts "ready"; $stdout.flush
      loop do
        packet, from = socket.recvfrom(4096)
        query = Resolv::DNS::Message.decode(packet)
        name, type = query.question.first
        reply = Resolv::DNS::Message.new(query.id).tap { |m| m.qr = 1; m.aa = 1; m.rd = query.rd; m.ra = 1 }
        reply.add_question(name, type)
        address = names[name.to_s]
        fits = address && type == (address.include?(":") ? Resolv::DNS::Resource::IN::AAAA : Resolv::DNS::Resource::IN::A)
        reply.add_answer(name, 60, type.new(address)) if fits
        reply.rcode = 3 unless address
        socket.send(reply.encode, 0, from[3], from[1])
      end
    RUBY
    fleet.spawn(RbConfig.ruby, "-e", script)
    fleet.hosts.each do |host|
      File.write(fleet.workdir.join(host.name, "etc", "resolv.conf"), "nameserver 10.66.255.254\n")
    end
  end

  it "find the tracker by name in DNS, over IPv4 and over IPv6, where the system has no resolver" do
    open_fleet("bare-x86_64", "bare-x86_64") do |fleet|
      cap!(operator(fleet), "murder:distribute_files")
      serve_names(fleet, "four.murder.test" => fleet[1].address, "six.murder.test" => fleet[1].address6)
      fleet[1].sh!("/srv/murder/murder_tracker --daemon")
      %w[four six].each do |name|
        torrent = "/tmp/#{name}.torrent"
        fleet[2].sh!("cd /tmp && head -c 1000000 /dev/urandom > #{name} && " \
                     "/srv/murder/murder_make_torrent #{name} #{name}.murder.test:8998 #{torrent} && " \
                     "/srv/murder/murder_client seeder #{torrent} #{name} --daemon")
        IO.copy_stream(fleet[2].path(torrent), fleet[3].path(torrent))
        fleet[3].sh!("/srv/murder/murder_client peer #{torrent} /tmp/#{name} --timeout 20 --linger 0")
        expect(fleet[3].sh!("sha256sum < /tmp/#{name}")).to eq(fleet[2].sh!("sha256sum < /tmp/#{name}"))
      end
      said = fleet[3].sh("sed s/four.murder/five.murder/ /tmp/four.torrent > /tmp/five.torrent; " \
                         "/srv/murder/murder_client peer /tmp/five.torrent /tmp/five --timeout 3")
      expect(said).to have_attributes(status: 7, err: /five\.murder\.test/)
    end
  end

  it "need nothing around them: they run in a directory that holds nothing else, under each name" do
    skip "chroot takes root" unless Process.uid.zero?
    Dir.mktmpdir do |dir|
      FileUtils.cp_r("#{dist}/linux-x86_64/.", dir)
      Murder::Programs::NAMES.each do |name|
        said = Hosts::Shell.run("chroot", dir, "/#{name}", "--version")
        expect(said).to have_attributes(status: 0, out: /\A#{name} /)
      end
      FileUtils.mv("#{dir}/murder_client", "#{dir}/else")
      expect(Hosts::Shell.run("chroot", dir, "/else")).to have_attributes(status: 2, err: /\Amurder: call it as/)
      said = Hosts::Shell.run("chroot", dir, "/else", "murder_tracker", "--version")
      expect(said.out).to start_with("murder_tracker ")
    end
  end
end
