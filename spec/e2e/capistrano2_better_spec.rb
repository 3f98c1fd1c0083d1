# frozen_string_literal: true

require "rubygems/package"
require "zlib"
require_relative "../support/e2e"

# compat.md, "Where we do better, deliberately", row by row, on real hosts.
RSpec.describe "what murder does better than the original", :e2e do
  include_context "with hosts", 3

  # Programs sent, something to send, the tracker running.
  def ready(cap)
    write_files(host(1), "/srv/data", payload)
    hosts.each { |host| Dir.mkdir(host.path("/srv/out")) }
    distributed(cap)
    expect(cap.cap("murder:start_tracker")).to succeed
  end

  def expect_sent(tag, those = hosts)
    those.each { |host| expect(tree(host, "/srv/out/#{tag}")).to eq(tree(host(1), "/srv/data")) }
  end

  def send_as(tag, *tasks)
    ["murder:create_torrent", "murder:start_seeding", *tasks, "tag=#{tag}", "files_path=/srv/data",
     "destination_path=/srv/out"]
  end

  it "1: peers find one another by the addresses they connect from, whatever they are called" do
    names = hosts.map(&:name)
    cap = standalone(peers: [addresses[0], names[1], addresses[2]], seeder: addresses[0], tracker: names[2])
    ready(cap)
    expect(cap.cap(*send_as("v1", "murder:peer"))).to succeed
    expect_sent("v1")
  end

  it "1: works over IPv6 alone" do
    six = hosts.map { |host| "#{host.name}-six" }
    cap = standalone(peers: six, seeder: six[0], tracker: six[0])
    ready(cap)
    expect(cap.cap(*send_as("v1", "murder:peer"))).to succeed
    expect_sent("v1")
  end

  it "2: stop_seeding and stop_peering of v1 leave v10 alone" do
    cap = standalone
    ready(cap)
    %w[v1 v10].each { |tag| expect(cap.cap(*send_as(tag, "murder:peer"))).to succeed }
    expect(cap.cap("murder:stop_seeding", "murder:stop_peering", "tag=v1")).to succeed
    expect(running(host(1)).grep(/murder_client seeder/)).to contain_exactly(/--tag=v10/)
    expect(hosts.last(2).map { |host| running(host).grep(/murder_client peer/) }).to all(contain_exactly(/--tag=v10/))
  end

  it "3: a tracker that runs already is fine, and one of somebody else names the port" do
    cap = standalone
    ready(cap)
    expect(cap.cap("murder:start_tracker").tap { |result| expect(result.text).to match(/already/) }).to succeed
    expect(running(host(1)).size).to eq(1)
    expect(cap.cap("murder:stop_tracker")).to succeed
    # Without bundler's environment: the checkout may stand where a host cannot see it.
    host(1).sh!("setsid env -u RUBYOPT -u RUBYLIB ruby -rsocket -e 'TCPServer.new(8998); sleep' > /dev/null 2>&1 &")
    deadline = Hosts::Processes.now + 20
    sleep 0.1 until host(1).sh!("ss -Hltn sport = :8998").include?("LISTEN") || Hosts::Processes.now > deadline
    expect(cap.cap("murder:start_tracker")).to fail_saying(/8998/, /#{Regexp.escape(addresses[0])}/)
  end

  it "4: a step that fails on one host makes cap fail, naming that host and why" do
    cap = standalone
    ready(cap)
    expect(cap.cap("murder:create_torrent", "tag=v1", "files_path=/srv/nothing"))
      .to fail_saying(%r{/srv/nothing}, /#{Regexp.escape(addresses[0])}/)
    expect(cap.cap(*send_as("v1"))).to succeed
    FileUtils.rm_f(host(3).path("/srv/murder/murder_client"))
    expect(cap.cap("murder:peer", "tag=v1", "destination_path=/srv/out"))
      .to fail_saying(/#{Regexp.escape(addresses[2])}/)
    expect(cap.cap("murder:stop_seeding", "tag=v2")).to fail_saying(/v2/)
  end

  ["with space", "it's", 'a "b" $c `d` \\e', "-x", "*", "ü;rm -rf ~", "&|<>()"].each do |tag|
    it "5: the tag #{tag} is a tag like others" do
      cap = standalone
      ready(cap)
      write_files(host(2), "~", "precious" => "p")
      expect(cap.cap(*send_as(tag, "murder:peer"))).to succeed
      expect_sent(tag)
      expect(cap.cap("murder:stop_peering", "murder:stop_seeding", "murder:clean_temp_files", "murder:stop_tracker",
                     "tag=#{tag}")).to succeed
      expect(all_running).to be_empty
      expect(left_in_temp).to be_empty
      expect(File.read(host(2).path("~/precious"))).to eq("p")
    end
  end

  it "5: a tag with a line break is refused with the reason" do
    expect(standalone.cap("murder:peer", "tag=a\nb", "destination_path=/srv/out")).to fail_saying(/tag/)
  end

  it "6: the seeder is a peer too, and a peer that has the file verifies it and goes on" do
    cap = standalone
    ready(cap)
    expect(cap.cap(*send_as("v1", "murder:peer"))).to succeed
    inode = File.stat(host(1).path("/tmp/v1.tgz")).ino
    before = hosts.map { |host| host.traffic.first }
    expect(cap.cap("murder:stop_peering", "murder:peer", "tag=v1", "destination_path=/srv/out",
                   "unsafe_please_delete=1")).to succeed
    expect_sent("v1")
    expect(File.stat(host(1).path("/tmp/v1.tgz")).ino).to eq(inode)
    expect(hosts.zip(before).map { |host, received| host.traffic.first - received }.max).to be < 200_000
  end

  it "6: a tag is used again for other files, though the peers still have the earlier ones" do
    cap = standalone
    ready(cap)
    expect(cap.cap(*send_as("v1", "murder:peer", "murder:stop_peering", "murder:stop_seeding"))).to succeed
    write_files(host(1), "/srv/data", payload(2))
    expect(cap.cap(*send_as("v1", "murder:peer"), "unsafe_please_delete=1")).to succeed
    expect_sent("v1")
  end

  it "6: a file of the user's own under the archive's name is not overwritten" do
    cap = standalone
    ready(cap)
    expect(cap.cap(*send_as("v1"))).to succeed
    size = File.size(host(1).path("/tmp/v1.tgz"))
    File.binwrite(host(2).path("/tmp/v1.tgz"), "m" * size)
    expect(cap.cap("murder:peer", "tag=v1", "destination_path=/srv/out"))
      .to fail_saying(%r{/tmp/v1.tgz: exists already}, /#{Regexp.escape(addresses[1])}/)
    expect(File.binread(host(2).path("/tmp/v1.tgz"))).to eq("m" * size)
  end

  it "6: a file is on a peer's disk once, though it has two names" do
    cap = standalone(peers: addresses.last(2))
    write_files(host(1), "/srv", "file" => Random.new(3).bytes(8 << 20))
    expect(cap.cap("murder:distribute_files", "murder:start_tracker", "murder:create_torrent", "murder:start_seeding",
                   "murder:peer", "tag=f1", "files_path=/srv/file", "destination_path=~/out", "path_is_file=1",
                   "temp_path=~")).to succeed
    hosts.last(2).each do |host|
      expect(host.sh!("cd ~; stat -c %h out; du -ck out f1.tgz | tail -n 1")).to match(/\A2\n(8\d{3})\ttotal/)
    end
    expect(cap.cap("murder:stop_peering", "murder:clean_temp_files", "tag=f1", "temp_path=~")).to succeed
    expect(hosts.last(2).map { |host| host.sh!("cd ~; ls; cksum < out") }.uniq)
      .to eq(["out\n#{host(1).sh!("cksum < /srv/file")}"])
  end

  it "4: clean_temp_files removes what killed programs have left" do
    cap = standalone(peers: addresses.last(2))
    8.times { |number| write_files(host(1), "/srv/data", number.to_s => Random.new(number).bytes(8 << 20)) }
    expect(cap.cap("murder:distribute_files", "murder:start_tracker")).to succeed
    kill = lambda do |host, name|
      sleep 0.01 until running(host).grep(%r{\A/srv/murder/#{name}}).any?
      sleep 0.1
      host.sh!("for p in $(ps -eo pid=,args= | sed -n 's!^ *\\([0-9]*\\) /srv/murder/'\"$1\"'.*!\\1!p'); do " \
               "kill -9 $p; done", name)
    end
    job = cap.start("murder:create_torrent", "tag=v1", "files_path=/srv/data")
    kill.call(host(1), "murder_make_torrent")
    expect(job.wait).not_to eq(0)
    expect(left_in_temp([host(1)])).to contain_exactly(/v1.tgz.murder-/, /v1.tgz.torrent.murder-/)
    expect(cap.cap("murder:create_torrent", "murder:start_seeding", "tag=v1", "files_path=/srv/data")).to succeed
    fleet.shaped("20mbit") do
      job = cap.start("murder:peer", "tag=v1", "destination_path=/srv/out")
      kill.call(host(2), "murder_client peer")
      expect(job.wait).not_to eq(0)
    end
    expect(left_in_temp([host(2)])).to contain_exactly("host2: v1.tgz.part", "host2: v1.tgz.torrent")
    expect(cap.cap("murder:stop_seeding", "murder:clean_temp_files", "tag=v1")).to succeed
    expect(left_in_temp).to be_empty
  end

  it "7: without tracker or without seed a peer gives up and says which" do
    there = standalone(tracker: addresses[2])
    ready(there)
    gone = standalone("set :tracker_port, 9999")
    expect(there.cap("murder:create_torrent", "tag=no-seed", "files_path=/srv/data")).to succeed
    expect(gone.cap("murder:create_torrent", "tag=no-tracker", "files_path=/srv/data")).to succeed
    hosts.each { |host| FileUtils.rm_f(host.path("/tmp/no-seed.tgz")) }
    FileUtils.rm_f(host(1).path("/tmp/no-tracker.tgz"))
    results = { there => "no-seed", gone => "no-tracker" }.map do |cap, tag|
      Thread.new { cap.cap("murder:peer", "tag=#{tag}", "destination_path=/srv/out") }
    end.map(&:value)
    expect(results[0]).to fail_saying(/no (peer|seed)/i)
    expect(results[1]).to fail_saying(/tracker http:\S*:9999\S* is unreachable/)
    expect(results.map(&:seconds)).to all(be_between(55, 100))
    expect(all_running.grep(/murder_client/)).to be_empty
  end

  it "7: connects anew when a host has given up a connection that had nothing to do" do
    cap = standalone('before("murder:peer") { puts "HOOK"; sleep 3 }')
    ready(cap)
    job = cap.start("murder:clean_temp_files", *send_as("v1", "murder:peer"))
    job.wait_for(/^HOOK/)
    host(2).sh!("kill $(ps -eo pid=,args= | sed -n 's/^ *\\([0-9]*\\) sshd: .*@notty.*/\\1/p')")
    expect(job.wait).to eq(0), job.text
    expect_sent("v1")
  end

  it "8: needs nothing on a server but a shell and the tools every system has" do
    tools = %w[sh mkdir find rm tar gzip cp mv ls dirname wc uname sed df du tail chmod sha256sum printf cat echo env
               test ln readlink head grep awk]
    cap = standalone('set :default_environment, { "PATH" => "/srv/tools" }')
    hosts.each do |host|
      host.sh!("mkdir /srv/tools; for t; do ln -s \"$(command -v \"$t\")\" /srv/tools/; done", *tools)
    end
    ready(cap)
    expect(cap.cap(*send_as("v1", "murder:peer", "murder:stop_peering", "murder:stop_seeding", "murder:stop_tracker")))
      .to succeed
    expect_sent("v1")
  end

  describe "9: what comes from outside cannot do harm:" do
    # A .tgz whose one member is `name`; made by hand, as no tar would.
    def evil(name, **options)
      io = StringIO.new
      Zlib::GzipWriter.wrap(io) do |gzip|
        Gem::Package::TarWriter.new(gzip) do |tar|
          tar.add_file_simple("good", 0o644, 1) { |file| file.write("g") }
          options[:link] ? tar.add_symlink(name, options[:link], 0o777) : add_evil(tar, name)
          tar.add_file_simple("#{name}/through", 0o644, 1) { |file| file.write("t") } if options[:link]
        end
      end
      io.string
    end

    def add_evil(tar, name)
      tar.add_file_simple(name, 0o644, 4) { |file| file.write("evil") }
    end

    { "a parent directory" => ["../../escaped"], "an absolute name" => ["/srv/escaped"],
      "a file behind a link out of it" => ["out", { link: "/srv" }] }.each do |what, (name, options)|
      it "an archive with #{what} is refused, and the destination stays as it was" do
        cap = standalone
        ready(cap)
        write_files(host(1), "/srv", "evil.tgz" => evil(name, **(options || {})))
        expect(cap.cap("murder:create_torrent", "murder:start_seeding", "tag=v1", "files_path=/srv/evil.tgz",
                       "path_is_file=1")).to succeed
        expect(cap.cap("murder:peer", "tag=v1", "destination_path=/srv/out")).to fail_saying(/#{Regexp.escape(name)}/)
        hosts.each do |host|
          expect(Dir.glob("#{host.path("/srv/out")}/**/*", File::FNM_DOTMATCH).grep_v(%r{/\.\z|/v1\z})).to be_empty
          expect(Dir.glob("#{host.path("/srv")}/{escaped,through}")).to be_empty
        end
      end
    end

    it "links planted under the names of temporary files are not followed" do
      cap = standalone
      ready(cap)
      hosts.each do |host|
        write_files(host, "/srv/victims", "archive" => "a", "torrent" => "t", "part" => "p")
        host.sh!("ln -s /srv/victims/archive /tmp/v1.tgz; ln -s /srv/victims/torrent /tmp/v1.tgz.torrent;
                  ln -s /srv/victims/part /tmp/v1.tgz.part")
      end
      cap.cap(*send_as("v1", "murder:peer"))
      expect(hosts.map { |host| tree(host, "/srv/victims") }.uniq.size).to eq(1)
      expect(File.read(host(2).path("/srv/victims/archive"))).to eq("a")
      expect(File.read(host(2).path("/srv/victims/part"))).to eq("p")
    end
  end
end
