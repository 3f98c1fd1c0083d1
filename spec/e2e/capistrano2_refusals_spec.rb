# frozen_string_literal: true

require_relative "../support/e2e"

# What an operator does wrong in the manual flow: what cap says, and that
# nothing is left of it.
RSpec.describe "a task that is refused", :e2e do
  include_context "with hosts"

  # Programs sent, something to send, tracker and seeder of v1 running.
  def seeding(cap, *arguments)
    write_files(host(1), "/srv/data", payload)
    expect(cap.cap("murder:distribute_files", "murder:start_tracker", "murder:create_torrent", "murder:start_seeding",
                   "tag=v1", "files_path=/srv/data", *arguments)).to succeed
  end

  # Everything below a directory of a host.
  def names(host, dir)
    host.sh!('find "$1" -mindepth 1', dir).lines(chomp: true).sort
  end

  describe "by one host alone" do
    { "mounted noexec" => ["-o noexec", /no program can be run from there: is it mounted noexec/],
      "read-only" => ["-o ro", %r{/srv/deep is not writable}],
      "full" => ["-o size=64k", /the disk is full: \d+ KB needed/] }.each do |what, (options, text)|
      it "distribute_files changes nothing on any: #{what}" do
        host(3).sh!("mkdir /srv/deep; mount -t tmpfs #{options} none /srv/deep")
        expect(standalone('set :remote_murder_path, "/srv/deep/er/murder"').cap("murder:distribute_files"))
          .to fail_saying(/failed on #{addresses[2]}: .*#{text}/)
        host(3).sh!("umount /srv/deep; rmdir /srv/deep")
        expect(hosts.flat_map { |host| names(host, "/srv") }).to be_empty
      end
    end

    it "peer changes nothing on any, and empties nothing" do
      cap = standalone
      seeding(cap)
      write_files(host(2), "/srv/out/v1", "mine" => "kept")
      File.write(host(4).path("/srv/out"), "")
      expect(cap.cap("murder:peer", "tag=v1", "destination_path=/srv/out", "unsafe_please_delete=1"))
        .to fail_saying(%r{failed on #{addresses[3]}: destination_path /srv/out/v1: /srv/out is not a directory})
      expect(names(host(2), "/srv/out")).to eq(["/srv/out/v1", "/srv/out/v1/mine"])
      expect(File.exist?(host(3).path("/srv/out"))).to be(false)
      expect(left_in_temp(hosts.last(3))).to be_empty
    end
  end

  it "create_torrent says to stop the seeder first that serves what the tag was" do
    cap = standalone(peers: addresses.last(3))
    seeding(cap)
    before = File.binread(host(1).path("/tmp/v1.tgz.torrent"))
    write_files(host(1), "/srv/data", "small" => "changed")
    expect(cap.cap("murder:create_torrent", "tag=v1", "files_path=/srv/data"))
      .to fail_saying(/a seeder of v1 is running.*: run murder:stop_seeding tag=v1 first/)
    expect(File.binread(host(1).path("/tmp/v1.tgz.torrent"))).to eq(before)
    expect(cap.cap("murder:stop_seeding", "murder:create_torrent", "murder:start_seeding", "murder:peer", "tag=v1",
                   "files_path=/srv/data", "destination_path=/srv/out")).to succeed
    expect(hosts.last(3).map { |host| File.read(host.path("/srv/out/v1/small")) }).to all(eq("changed"))
  end

  it "before create_torrent says to run it" do
    cap = standalone
    expect(cap.cap("murder:distribute_files")).to succeed
    %w[start_seeding download_torrent].each do |task|
      expect(cap.cap("murder:#{task}", "tag=v1"))
        .to fail_saying(/^murder:#{task} failed on 10.66.0.2: .*v1.tgz.torrent.*: run murder:create_torrent first/)
    end
    expect(cap.cap("murder:peer", "tag=v1", "destination_path=/srv/out"))
      .to fail_saying(/murder:download_torrent tag=...`, once murder:create_torrent has made it/)
  end

  it "start_seeding without the archive says to make it again" do
    cap = standalone
    write_files(host(1), "/srv/data", payload)
    expect(cap.cap("murder:distribute_files", "murder:create_torrent", "tag=v1", "files_path=/srv/data")).to succeed
    FileUtils.rm_f(host(1).path("/tmp/v1.tgz"))
    expect(cap.cap("murder:start_seeding", "tag=v1"))
      .to fail_saying(%r{/tmp/v1.tgz: cannot open: .*: run murder:create_torrent first, with the same tag$})
  end

  it "a path in the home of a user that is not there is named" do
    cap = standalone
    seeding(cap)
    [["peer", "destination_path=~nobody-here/x"], ["peer", "destination_path=~nobody-here/x", "path_is_file=1"],
     ["create_torrent", "files_path=~nobody-here/x"]].each do |task, path, *more|
      expect(cap.cap("murder:#{task}", "tag=v1", path, *more))
        .to fail_saying(/#{path.sub("=", " ")}\S*: there is no such user on this host/)
    end
    expect(standalone('set :remote_murder_path, "~nobody-here/m"').cap("murder:distribute_files"))
      .to fail_saying(/remote_murder_path is "~nobody-here.*give the whole path/)
    expect(hosts.flat_map { |host| names(host, Hosts.login.dir) }).to be_empty
    expect(cap.cap("murder:peer", "tag=v1", "destination_path=~#{Hosts.login.name}/x")).to succeed
    expect(hosts.map { |host| File.read(host.path("~/x/v1/small")) }).to all(eq("x"))
  end

  it "peer of a file without path_is_file says so, leaves nothing, and goes on from there with it" do
    cap = standalone
    write_files(host(1), "/srv", "file" => "just a file")
    expect(cap.cap("murder:distribute_files", "murder:start_tracker", "murder:create_torrent", "murder:start_seeding",
                   "tag=f1", "files_path=/srv/file", "path_is_file=1")).to succeed
    expect(cap.cap("murder:peer", "tag=f1", "destination_path=/srv/out"))
      .to fail_saying(/if it is a plain file, give path_is_file=1 to murder:peer too/)
    expect(hosts.map { |host| File.exist?(host.path("/srv/out")) }).to all(be(false))
    expect(cap.cap("murder:peer", "tag=f1", "destination_path=/srv/out", "path_is_file=1")).to succeed
    expect(hosts.map { |host| File.read(host.path("/srv/out")) }).to all(eq("just a file"))
  end

  it "peer names a machine that has two names, and distribute_files sends to it once" do
    cap = standalone(peers: [*addresses.first(3), host(2).name])
    write_files(host(1), "/srv/data", payload)
    expect(cap.cap("murder:distribute_files")
              .tap { |result| expect(result.text).to match(/10.66.0.3, host2: the same machine, sent to once/) })
      .to succeed
    expect(cap.cap("murder:start_tracker", "murder:create_torrent", "murder:start_seeding", "murder:peer", "tag=v1",
                   "files_path=/srv/data", "destination_path=/srv/out"))
      .to fail_saying(/^10.66.0.3 and host2: the same machine under two names/)
    expect(hosts.map { |host| File.exist?(host.path("/srv/out")) }).to all(be(false))
  end

  it "peer leaves no directory where it could not unpack" do
    cap = standalone
    seeding(cap)
    host(4).sh!("mkdir /srv/out; mount -t tmpfs -o size=1m none /srv/out")
    expect(cap.cap("murder:peer", "tag=v1", "destination_path=/srv/out/deep/er"))
      .to fail_saying(/failed on #{addresses[3]}: .*No space left on device/)
    expect(names(host(4), "/srv/out")).to be_empty
    host(4).sh!("umount /srv/out")
  end
end
