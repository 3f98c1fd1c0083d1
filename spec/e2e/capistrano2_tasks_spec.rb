# frozen_string_literal: true

require_relative "../support/e2e"

# Capistrano 2.15.11 against sshds: compat.md's tasks, arguments and roles.
RSpec.describe "murder's tasks in Capistrano 2", :e2e do
  include_context "with hosts", 3

  def ready(cap)
    distributed(cap)
    write_files(host(1), "/srv/data", payload)
    hosts.each { |host| Dir.mkdir(host.path("/srv/out")) }
  end

  describe "distribute_files" do
    it "brings the programs to every host, whatever its role, and empties the directory first" do
      cap = standalone(peers: [addresses[1]], seeder: addresses[0], tracker: addresses[2])
      hosts.each { |host| write_files(host, "/srv/murder", "old/file" => "x", ".hidden" => "y") }
      expect(cap.cap("murder:distribute_files")).to succeed
      hosts.each do |host|
        expect(Dir.children(host.path("/srv/murder"))).to contain_exactly("murder_client", "murder_make_torrent",
                                                                          "murder_tracker")
        expect(host.sh("/srv/murder/murder_client --version")).to succeed
      end
    end

    it "refuses a directory of 1,000 files and leaves every host as it was" do
      cap = standalone
      expect(cap.cap("murder:distribute_files")).to succeed
      1000.times { |number| File.write(host(2).path("/srv/murder/#{number}"), "") }
      expect(cap.cap("murder:distribute_files"))
        .to fail_saying(/Cowardly refusing to remove files!/, /#{Regexp.escape(addresses[1])}/)
      expect(Dir.children(host(2).path("/srv/murder")).size).to be >= 1000
      expect(host(1).sh("/srv/murder/murder_client --version")).to succeed
    end
  end

  describe "the tracker's tasks" do
    it "start it so that it listens when the task returns, and stop it" do
      cap = standalone
      expect(cap.cap("murder:distribute_files", "murder:start_tracker")).to succeed
      expect(host(1).sh!("ss -Hltn sport = :8998")).to include("LISTEN")
      expect(cap.cap("murder:stop_tracker")).to succeed
      expect(all_running).to be_empty
      expect(cap.cap("murder:stop_tracker")).to fail_saying(/no .*tracker|not running/i)
    end

    it "honour tracker_port, also in the torrent" do
      cap = standalone("set :tracker_port, 9123")
      ready(cap)
      expect(cap.cap("murder:start_tracker", "murder:create_torrent", "tag=v1", "files_path=/srv/data")).to succeed
      expect(host(1).sh!("ss -Hltn sport = :9123")).to include("LISTEN")
      expect(File.binread(host(1).path("/tmp/v1.tgz.torrent"))).to include("#{addresses[0]}:9123/announce")
      expect(cap.cap("murder:start_seeding", "murder:peer", "tag=v1", "destination_path=/srv/out")).to succeed
      expect(cap.cap("murder:stop_peering", "murder:stop_seeding", "murder:stop_tracker", "tag=v1")).to succeed
    end
  end

  it "carries a directory from the seeder to all peers, step by step", :sanitized do
    cap = standalone
    ready(cap)
    write_files(host(1), "/srv/data", ".git/config" => "g", ".gitignore" => "g", "deep/.gitkeep" => "g")

    expect(cap.cap("murder:start_tracker", "murder:create_torrent", "tag=v1", "files_path=/srv/data")).to succeed
    expect(left_in_temp([host(1)])).to contain_exactly("host1: v1.tgz", "host1: v1.tgz.torrent")
    expect(File.binread(fleet.control_path("/tmp/v1.tgz.torrent")))
      .to eq(File.binread(host(1).path("/tmp/v1.tgz.torrent")))

    expect(cap.cap("murder:start_seeding", "tag=v1")).to succeed
    expect(running(host(1)).grep(/murder_client seeder/).size).to eq(1)

    expect(cap.cap("murder:peer", "tag=v1", "destination_path=/srv/out")).to succeed
    source = Hosts::Tree.without_git(host(1).path("/srv/data"))
    hosts.each { |host| expect(Hosts::Tree.difference(source, tree(host, "/srv/out/v1"))).to be_empty }
    expect(hosts.last(2).map { |host| running(host).grep(/murder_client peer/).size }).to eq([1, 1])

    expect(cap.cap("murder:stop_peering", "tag=v1")).to succeed
    expect(all_running.grep(/murder_client peer/)).to be_empty
    expect(cap.cap("murder:stop_seeding", "tag=v1")).to succeed
    expect(cap.cap("murder:stop_seeding", "tag=v1")).to fail_saying(/no .*seeder|not running/i)
    expect(cap.cap("murder:clean_temp_files", "murder:stop_tracker", "tag=v1")).to succeed
    expect(left_in_temp).to be_empty
    expect(all_running).to be_empty
  end

  it "fetches the .torrent again with download_torrent, and leaves it with do_not_download_torrent" do
    cap = standalone
    ready(cap)
    expect(cap.cap("murder:create_torrent", "tag=v1", "files_path=/srv/data", "do_not_download_torrent=1")).to succeed
    expect(File.exist?(fleet.control_path("/tmp/v1.tgz.torrent"))).to be(false)
    expect(cap.cap("murder:download_torrent", "tag=v1")).to succeed
    expect(File.binread(fleet.control_path("/tmp/v1.tgz.torrent")))
      .to eq(File.binread(host(1).path("/tmp/v1.tgz.torrent")))
  end

  it "stops all seeders and all peers, of any tag, and nobody else's processes" do
    cap = standalone
    ready(cap)
    write_files(host(1), "/srv/data2", payload(2))
    host(1).sh!("setsid sleep 300 > /dev/null 2>&1 &")
    expect(cap.cap("murder:start_tracker")).to succeed
    { "v1" => "/srv/data", "v2" => "/srv/data2" }.each do |tag, files|
      expect(cap.cap("murder:create_torrent", "murder:start_seeding", "murder:peer", "tag=#{tag}",
                     "files_path=#{files}", "destination_path=/srv/out")).to succeed
    end
    expect(running(host(1)).grep(/murder_client seeder/).size).to eq(2)
    expect(running(host(2)).grep(/murder_client peer/).size).to eq(2)
    expect(cap.cap("murder:stop_all_peering")).to succeed
    expect(all_running.grep(/murder_client peer/)).to be_empty
    expect(cap.cap("murder:stop_all_seeding", "murder:stop_tracker")).to succeed
    expect(all_running).to eq(["host1: sleep 300"])
  end

  it "lets a peer go on seeding for 30 seconds, and no longer" do
    cap = standalone
    ready(cap)
    expect(cap.cap("murder:start_tracker", "murder:create_torrent", "murder:start_seeding", "murder:peer", "tag=v1",
                   "files_path=/srv/data", "destination_path=/srv/out")).to succeed
    from = Hosts::Processes.now
    sleep 0.2 while hosts.last(2).any? { |host| running(host).any? } && Hosts::Processes.now - from < 60
    expect(Hosts::Processes.now - from).to be_between(25, 45)
    expect(cap.cap("murder:stop_seeding", "murder:stop_tracker", "tag=v1")).to succeed
  end

  describe "arguments" do
    def started(cap, *arguments)
      ready(cap)
      expect(cap.cap("murder:start_tracker", "murder:create_torrent", "murder:start_seeding", *arguments)).to succeed
    end

    it "path_is_file sends a file as it is and copies it to the destination, directory or new name" do
      cap = standalone
      write_files(host(1), "/srv", "one file.bin" => Random.new(3).bytes(700_000))
      started(cap, "tag=v1", "files_path=/srv/one file.bin", "path_is_file=1")
      original = File.binread(host(1).path("/srv/one file.bin"))
      expect(cap.cap("murder:peer", "tag=v1", "path_is_file=1", "destination_path=/srv/renamed.bin")).to succeed
      expect(hosts.map { |host| File.binread(host.path("/srv/renamed.bin")) == original }).to all(be(true))
      expect(cap.cap("murder:peer", "tag=v1", "path_is_file=1", "destination_path=/srv/out")).to succeed
      expect(hosts.map { |host| File.binread(host.path("/srv/out/v1.tgz")) == original }).to all(be(true))
    end

    it "no_tag_directory extracts to the destination itself" do
      cap = standalone
      started(cap, "tag=v1", "files_path=/srv/data")
      expect(cap.cap("murder:peer", "tag=v1", "destination_path=/srv/out", "no_tag_directory=1")).to succeed
      hosts.each { |host| expect(tree(host, "/srv/out")).to eq(tree(host(1), "/srv/data")) }
    end

    it "a destination that is not empty is refused, naming host and directory, before anything is transferred" do
      cap = standalone
      started(cap, "tag=v1", "files_path=/srv/data")
      write_files(host(3), "/srv/out/v1", "mine" => "kept")
      expect(cap.cap("murder:peer", "tag=v1", "destination_path=/srv/out"))
        .to fail_saying(/#{Regexp.escape(addresses[2])}/, %r{/srv/out/v1 is not empty})
      expect(tree(host(3), "/srv/out/v1").keys).to eq(["mine"])
      expect(left_in_temp(hosts.last(2))).to be_empty
      expect(hosts.last(2).flat_map { |host| running(host) }).to be_empty
    end

    it "unsafe_please_delete empties the destination first" do
      cap = standalone
      started(cap, "tag=v1", "files_path=/srv/data")
      write_files(host(3), "/srv/out/v1", "old" => "gone", ".old/deep" => "gone")
      expect(cap.cap("murder:peer", "tag=v1", "destination_path=/srv/out", "unsafe_please_delete=1")).to succeed
      hosts.each { |host| expect(tree(host, "/srv/out/v1")).to eq(tree(host(1), "/srv/data")) }
    end

    it "temp_path, and ~ in files_path and destination_path, name what the remote shell means" do
      cap = standalone
      ready(cap)
      write_files(host(1), "~/my data", "file" => "home")
      hosts.each { |host| Dir.mkdir(host.path("/tmp/mine")) }
      where = "temp_path=/tmp/mine"
      expect(cap.cap("murder:start_tracker", "murder:create_torrent", "murder:start_seeding", "murder:peer", "tag=v1",
                     "files_path=~/my data", "destination_path=~/in here", where)).to succeed
      expect(hosts.map { |host| File.read(host.path("~/in here/v1/file")) }).to all(eq("home"))
      expect(left_in_temp).to eq(hosts.map { |host| "#{host.name}: mine" })
      expect(hosts.map { |host| Dir.children(host.path("/tmp/mine")).sort }).to all(eq(%w[v1.tgz v1.tgz.torrent]))
      expect(Dir.children(fleet.control_path("/tmp/mine"))).to eq(["v1.tgz.torrent"])
      expect(cap.cap("murder:stop_all_peering", "murder:stop_all_seeding", "murder:clean_temp_files", "tag=v1", where))
        .to succeed
      expect(hosts.map { |host| Dir.children(host.path("/tmp/mine")) }).to all(be_empty)
    end

    it "default_tag, default_seeder_files_path and default_destination_path do without arguments and win over them" do
      cap = standalone(<<~RUBY)
        set :default_tag, "fixed"
        set :default_seeder_files_path, "/srv/data"
        set :default_destination_path, "/srv/out"
        set :default_temp_path, "/tmp/deeper"
      RUBY
      hosts.each { |host| Dir.mkdir(host.path("/tmp/deeper")) }
      started(cap, "tag=ignored", "files_path=/srv/nothing")
      expect(cap.cap("murder:peer", "destination_path=/srv/nothing")).to succeed
      hosts.each { |host| expect(tree(host, "/srv/out/fixed")).to eq(tree(host(1), "/srv/data")) }
      expect(Dir.children(fleet.control_path("/tmp/deeper"))).to eq(["fixed.tgz.torrent"])
    end

    it "a missing one is named, and nothing is run" do
      cap = standalone
      { "create_torrent" => ["files_path=/srv/data"], "peer" => ["destination_path=/srv/out"], "start_seeding" => [],
        "stop_seeding" => [], "stop_peering" => [], "clean_temp_files" => [], "download_torrent" => [] }
        .each do |task, arguments|
        result = cap.cap("murder:#{task}", *arguments)
        expect(result).to fail_saying(/'tag'/)
        expect(result.text).not_to include("executing command")
      end
      expect(cap.cap("murder:create_torrent", "tag=v1")).to fail_saying(/'files_path'/)
      expect(cap.cap("murder:peer", "tag=v1")).to fail_saying(/'destination_path'/)
      expect(cap.cap("murder:peer", "tag=a/b", "destination_path=/srv")).to fail_saying(%r{/})
    end
  end

  it "lists every task with what it does" do
    result = operator("require 'murder'").cap("-vT")
    expect(result).to succeed
    listed = result.out.scan(/^cap (murder:\w+)\s+# \S/).flatten
    expect(listed).to contain_exactly(*%w[
      clean_temp_files create_torrent distribute_files download_torrent peer start_seeding start_tracker
      stop_all_peering stop_all_seeding stop_peering stop_seeding stop_tracker
    ].map { |name| "murder:#{name}" })
  end

  describe "roles" do
    # Prints who plays what.
    def who(capfile)
      result = operator(<<~RUBY).cap("-q", "who")
        #{capfile}
        task(:who) { %i[peer tracker seeder].each { |r| puts "\#{r}=\#{roles[r].servers.map(&:host).join(",")}" } }
      RUBY
      expect(result).to succeed
      result.text.scan(/^(\w+)=(\S*)$/).to_h
    end

    it "are every server but those without releases, and the first of them" do
      expect(who(<<~RUBY)).to eq("peer" => "a,b,c", "tracker" => "a", "seeder" => "a")
        require "murder"
        role :app, "a", "b"
        role :web, "b", "c"
        role :db, "d", :no_release => true
      RUBY
    end

    it "can be given before or after murder is required" do
      expect(who(<<~RUBY)).to eq("peer" => "x,y", "tracker" => "t", "seeder" => "y")
        role :peer, "x", "y"
        require "murder"
        role :app, "a"
        role(:seeder) { "y" }
        role :tracker, "t"
      RUBY
    end
  end

  it "run from a program that has its own Capistrano configuration" do
    write_files(host(1), "/srv/data", payload)
    Dir.mkdir(host(2).path("/srv/out"))
    program = <<~RUBY
      require "capistrano"
      config = Capistrano::Configuration.new
      Thread.current[:capistrano_configuration] = config
      Capistrano::Configuration.instance = config
      config.instance_eval do
        #{operator("").connection}
        role :peer, #{addresses[1].inspect}
        role :seeder, #{addresses[0].inspect}
        role :tracker, #{addresses[0].inspect}
        set :remote_murder_path, "/srv/murder"
      end
      require "murder"
      ENV.update("tag" => "embedded", "files_path" => "/srv/data", "destination_path" => "/srv/out")
      %w[distribute_files start_tracker create_torrent start_seeding peer stop_peering stop_seeding stop_tracker]
        .each { |task| config.find_and_execute_task("murder:\#{task}") }
    RUBY
    expect(fleet.capture(RbConfig.ruby, "-e", program)).to succeed
    expect(tree(host(2), "/srv/out/embedded")).to eq(tree(host(1), "/srv/data"))
    expect(all_running).to be_empty
  end

  it "need Capistrano, and say so without it" do
    result = fleet.capture(RbConfig.ruby, "-I", "#{E2E::ROOT}/lib", "-e", 'require "murder"')
    expect(result).to fail_saying(/Capistrano/, /gem "capistrano"/)
  end
end
