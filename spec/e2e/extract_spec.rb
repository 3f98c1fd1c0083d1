# frozen_string_literal: true

require "English"
require "open3"
require_relative "../spec_helper"
require_relative "../support/swarm"

# The rules are proven by spec/c/test_extract.c; here, the program around them.
RSpec.describe "murder_client extract" do
  let(:dir) { Dir.mktmpdir("murder-spec-") }
  let(:program) { File.join(Swarm::PROGRAMS, "murder_client") }

  after { FileUtils.rm_rf(dir) }

  def path(name) = File.join(dir, name)
  def start(*args) = Swarm::Running.new(dir, [program, "extract", *args])
  def run(*args) = start(*args).wait
  def shell(text) = system(text, chdir: dir, exception: true)

  it "unpacks what murder_make_torrent has packed, and says how much" do
    shell("mkdir -p src/a; echo hello >src/a/b; ln -s a/b src/l; touch -d 2020-02-02 src/a/b")
    shell("#{File.join(Swarm::PROGRAMS, "murder_make_torrent")} src t:1 x.tgz.torrent >log")
    result = run("x.tgz", "dst")
    expect([result.status, result.out, result.err]).to eq([0, "", "murder_client: dst: 3 members, 6 bytes\n"])
    shell("diff -r src dst")
    expect(File.mtime(path("dst/a/b"))).to eq(File.mtime(path("src/a/b")))
  end

  # By itself: a static program on a server has no xz or bzip2 beside it.
  { "plain tar" => "tar -C src -cf x .", "gzip" => "tar -C src -czf x .", "bzip2" => "tar -C src -cjf x .",
    "xz" => "tar -C src -cJf x .", "zstd" => "tar -C src --zstd -cf x .",
    "zip" => "cd src && python3 -m zipfile -c ../x a" }.each do |name, command|
    it "reads #{name}, told by its content, without another program's help" do
      shell("mkdir -p src/a; head -c 300000 /dev/urandom >src/a/b; seq 100000 >src/a/c; #{command}")
      result = Swarm::Running.new(dir, [program, "extract", "x", "dst"], env: { "PATH" => "/nonexistent" }).wait
      expect([result.status, result.err[/[\d,]+ bytes$/]]).to eq([0, "888895 bytes"])
      shell("diff -r src dst")
    end
  end

  it "refuses a hostile archive with status 3, the destination untouched" do
    shell("mkdir dst src; echo precious >dst/own; echo x >src/x; tar -P -C src -czf x.tgz ../src/x")
    result = run("x.tgz", "dst")
    expect([result.status, result.err])
      .to eq([3, "murder_client: x.tgz: refused: member '../src/x' leaves the destination: nothing was unpacked\n"])
    expect(Dir.children(path("dst"))).to eq(%w[own])
  end

  it "allows links that lead out only when told to" do
    shell("mkdir src; ln -s /etc src/l; tar -C src -czf x.tgz .")
    expect(run("x.tgz", "dst").status).to eq(3)
    expect(run("x.tgz", "dst", "--outside-links").status).to eq(0)
    expect(File.readlink(path("dst/l"))).to eq("/etc")
  end

  it "has a status for a missing archive, a destination in use, and one that cannot be made" do
    shell("mkdir src dst; touch src/a dst/a; tar -C src -czf x.tgz .")
    expect(run("none", "dst")).to have_attributes(status: 4, err: /none: cannot open/)
    expect(run("x.tgz", "dst")).to have_attributes(status: 12, err: %r{dst/a: exists already: empty})
    expect(run("x.tgz", "/proc/no/such")).to have_attributes(status: 5, err: %r{/proc/no: cannot create the directory})
    expect(run("src/a", "dst")).to have_attributes(status: 3, err: /is not a sound archive/)
  end

  it "leaves the destination as it was when the disk is full" do
    ns = Process.uid.zero? ? %w[unshare -m] : %w[unshare -rm]
    shell("mkdir mnt src; head -c 3000000 /dev/urandom >src/f; echo g >src/g; tar -C src -czf x.tgz .")
    mount = "mount -t tmpfs -o size=1m none mnt"
    _, status = Open3.capture2e(*ns, "sh", "-c", mount, chdir: dir)
    skip "needs mount namespaces: unshare and mount are not permitted here" unless status.success?

    %w[mnt mnt/new/er].each do |to|
      script = "#{mount}; echo precious >mnt/own; #{program} extract x.tgz #{to}; s=$?; ls -A mnt >left; exit $s"
      result = Swarm::Running.new(dir, [*ns, "sh", "-c", script]).wait
      expect([result.status, result.err]).to match([5, %r{#{to}/f: cannot write: No space left}])
      expect(File.read(path("left"))).to eq("own\n")
    end
  end

  it "leaves the destination as it was when a signal ends it" do
    shell("mkdir src dst; head -c 100000000 /dev/zero | tee src/1 src/2 src/3 src/4 >src/5; tar -C src -czf x.tgz .")
    %w[INT TERM HUP].each do |signal|
      running = start("x.tgz", "dst")
      Swarm.wait_until { Dir.children(path("dst")).any? }
      running.kill(signal)
      expect(running.wait).to have_attributes(status: 13, err: /interrupted: nothing was unpacked$/)
      expect(Dir.children(path("dst"))).to be_empty
    end
  end
end
