# frozen_string_literal: true

require "digest"
require "English"
require "open3"
require "shellwords"
require_relative "../spec_helper"
require_relative "../support/swarm"

# The real program; what it makes is read by the programs of others.
RSpec.describe "murder_make_torrent" do
  let(:dir) { Dir.mktmpdir("murder-spec-") }
  let(:program) { File.join(Swarm::PROGRAMS, "murder_make_torrent") }

  after { FileUtils.rm_rf(dir) }

  def path(name) = File.join(dir, name)
  def start(*args, **opts) = Swarm::Running.new(dir, [program, *args.map(&:to_s)], **opts)
  def run(*args, **opts) = start(*args, **opts).wait
  def write(name, bytes) = File.binwrite(path(name), bytes)
  def sum(name) = Digest::SHA256.file(path(name)).hexdigest
  def names = Dir.children(dir).grep_v(/\A(out|err)-\d+\z/).sort

  # Runs another program in the directory; gives what it prints.
  def other(*argv)
    text, status = Open3.capture2e(*argv, chdir: dir)
    raise "#{argv.join(" ")}: #{text}" unless status.success?

    text
  end

  # "Hash: …" of transmission-show, and nothing else is trusted about us.
  def info_hash(torrent) = other("transmission-show", torrent)[/Hash(?: v1)?: (\h{40})/, 1]

  # A tree with the given number of files of random sizes, in directories.
  def make_tree(name, files:, bytes:, seed: 1)
    random = Random.new(seed)
    files.times do |i|
      file = path("#{name}/d#{i % 37}/e#{i % 11}/f#{i}")
      FileUtils.mkdir_p(File.dirname(file))
      File.binwrite(file, random.bytes(random.rand((2 * bytes / files) + 1)))
    end
    File.symlink("../d0/e0/f0", path("#{name}/d1/link"))
    File.link(path("#{name}/d0/e0/f0"), path("#{name}/hard"))
  end

  # Path, type, mode, whole seconds and content of everything in a tree.
  def listing(name)
    Dir.glob("**/*", File::FNM_DOTMATCH, base: path(name)).reject { |f| File.basename(f) == "." }.sort.map do |file|
      stat = File.lstat(full = File.join(path(name), file))
      content = stat.symlink? ? File.readlink(full) : (Digest::SHA1.file(full).hexdigest if stat.file?)
      [file, stat.ftype, stat.mode, stat.mtime.to_i, content]
    end
  end

  # Runs the program where a tmpfs of that size, mounted with those options,
  # is at "mnt"; skips if this machine does not let us mount.
  def run_on_tmpfs(size, *args, remount: nil)
    FileUtils.mkdir_p(path("mnt"))
    ns = Process.uid.zero? ? %w[unshare -m] : %w[unshare -rm]
    mount = "mount -t tmpfs -o size=#{size} none mnt"
    _, status = Open3.capture2e(*ns, "sh", "-c", mount, chdir: dir)
    skip "needs mount namespaces: unshare and mount are not permitted here" unless status.success?

    script = [mount, ("mount -o remount,#{remount} mnt" if remount), "#{[program, *args].shelljoin}; s=$?",
              "ls -A mnt >left", "exit $s"].compact.join("\n")
    Swarm::Running.new(dir, [*ns, "sh", "-c", script]).wait
  end

  describe "the .torrent of a file" do
    before { write("payload", Random.new(1).bytes(3_000_001)) }

    it "has the info-hash that mktorrent and transmission-create give the same file" do
      result = run("payload", "tracker.example:8998", "x.torrent", "--piece-length", "256K")
      other("mktorrent", "-l", "18", "-a", "http://tracker.example:8998/announce", "-o", "m.torrent", "payload")
      other("transmission-create", "-s", "256", "-t", "http://tracker.example:8998/announce", "-o", "t.torrent",
            "payload")
      # transmission-create puts "private" into the info dictionary, be it 0
      write("t.torrent", File.binread(path("t.torrent")).sub("7:privatei0e", ""))
      hash = info_hash("x.torrent")
      expect([info_hash("m.torrent"), info_hash("t.torrent")]).to eq([hash, hash])
      expect(result.out).to eq("info_hash=#{hash} length=3000001 pieces=12 piece_length=262144\n")
      expect([result.status, result.err]).to eq([0, ""])
    end

    it "is read by aria2c and transmission-show, with every tracker" do
      run("payload", "a.example:1", "x.torrent", "--tracker", "[::1]:8998", "--tracker", "b.example:2")
      urls = %w[http://a.example:1/announce http://[::1]:8998/announce http://b.example:2/announce]
      expect(other("aria2c", "-S", "x.torrent")).to include("Name: payload", "3,000,001", *urls)
      expect(other("transmission-show", "x.torrent")).to include("Piece Size: 256.0 KiB", *urls)
    end

    it "is the same bytes each time, and other bytes with other pieces" do
      2.times { |i| run("payload", "t:1", "#{i}.torrent") }
      expect(sum("0.torrent")).to eq(sum("1.torrent"))
      run("payload", "t:1", "2.torrent", "--piece-length", 16_384)
      expect(info_hash("2.torrent")).not_to eq(info_hash("0.torrent"))
    end

    it "has pieces for its length with --piece-length auto, for a directory's archive too" do
      expect(run("payload", "t:1", "0.torrent", "--piece-length", "auto").out).to end_with(" piece_length=16384\n")
      write("40m", Random.new(2).bytes(40 << 20))
      expect(run("40m", "t:1", "1.torrent", "--piece-length", "auto").out)
        .to end_with(" pieces=1280 piece_length=32768\n")
      FileUtils.mkdir_p(path("d"))
      write("d/40m", File.binread(path("40m")))
      expect(run("d", "t:1", "2.torrent", "--piece-length", "auto").out).to end_with(" piece_length=32768\n")
    end

    it "leaves the file where it is without --output" do
      run("payload", "t:1", "x.torrent")
      expect(names).to eq(%w[payload x.torrent])
    end

    it "describes a copy with --output, named as the copy" do
      before = sum("payload")
      expect(run("payload", "t:1", "x.torrent", "--output", "copy.bin").status).to eq(0)
      expect([sum("copy.bin"), sum("payload")]).to eq([before, before])
      expect(other("transmission-show", "x.torrent")).to match(/^\s*Name: copy.bin$/)
    end

    it "copies nothing when --output is that very file" do
      inode = File.stat(path("payload")).ino
      FileUtils.ln_s("payload", path("alias"))
      %w[payload ./payload alias].each do |same|
        expect(run("payload", "t:1", "x.torrent", "--output", same).status).to eq(0)
        expect(File.stat(path("payload")).ino).to eq(inode)
      end
    end

    it "replaces an older .torrent and payload" do
      write("x.torrent", "old")
      write("copy", "old")
      expect(run("payload", "t:1", "x.torrent", "--output", "copy").status).to eq(0)
      expect(info_hash("x.torrent")).to match(/\A\h{40}\z/)
      expect(sum("copy")).to eq(sum("payload"))
    end

    it "may describe an empty file" do
      write("empty", "")
      expect(run("empty", "t:1", "x.torrent").out).to match(/ length=0 pieces=0 /)
      write("one", "1")
      expect(run("one", "t:1", "x.torrent").out).to match(/ length=1 pieces=1 /)
    end
  end

  describe "a directory" do
    it "is packed beside the .torrent, and tar gets the same tree of 100 MB and thousands of files" do
      make_tree("src", files: 4000, bytes: 100 << 20)
      result = run("src", "t:1", "tag.tgz.torrent")
      expect([result.status, result.err]).to eq([0, ""])
      expect(names).to eq(%w[src tag.tgz tag.tgz.torrent])
      FileUtils.mkdir(path("dst"))
      other("tar", "-C", "dst", "-xpzf", "tag.tgz")
      expect(listing("dst")).to eq(listing("src"))
      expect(other("mktorrent", "-l", "18", "-a", "http://t:1/announce", "-o", "m.torrent", "tag.tgz")).to be_a(String)
      expect(info_hash("m.torrent")).to eq(info_hash("tag.tgz.torrent"))
    end

    it "gives the same bytes again, from a copy, and on another file system" do
      make_tree("src", files: 300, bytes: 1 << 20)
      other("cp", "-a", "src", "copy")
      Dir.mktmpdir("murder-spec-", "/dev/shm") do |shm|
        other("cp", "-a", "src", "#{shm}/src")
        { "a" => "src", "b" => "src", "c" => "copy", "d" => "#{shm}/src" }.each do |name, source|
          expect(run(source, "t:1", "#{name}.torrent", "--output", "#{name}.tgz").status).to eq(0)
        end
      end
      expect(%w[a b c d].map { |name| sum("#{name}.tgz") }.uniq.size).to eq(1)
    end

    it "leaves out .git* at every depth" do
      %w[src/.git src/a/.github src/b].each { |d| FileUtils.mkdir_p(path(d)) }
      %w[src/.git/x src/.gitignore src/a/.gitkeep src/b/x.git].each { |f| write(f, f) }
      run("src", "t:1", "x.tgz.torrent")
      expect(other("tar", "-tzf", "x.tgz").lines(chomp: true)).to eq(%w[./a/ ./b/ ./b/x.git])
    end

    it "warns of a FIFO and leaves it out" do
      FileUtils.mkdir(path("src"))
      File.mkfifo(path("src/pipe"))
      result = run("src", "t:1", "x.tgz.torrent")
      expect([result.status, result.err]).to eq([0, <<~TEXT])
        murder_make_torrent: src/pipe: left out: a socket, FIFO or device
      TEXT
    end

    it "is packed with links that lead out only when told to" do
      FileUtils.mkdir(path("src"))
      File.symlink("../../etc", path("src/out"))
      result = run("src", "t:1", "x.tgz.torrent")
      expect([result.status, result.err]).to match([3, %r{src/out: is a symbolic link out of.*--outside-links$}])
      expect(run("src", "t:1", "x.tgz.torrent", "--outside-links").status).to eq(0)
    end
  end

  describe "what goes wrong" do
    before { write("payload", Random.new(2).bytes(500_000)) }

    # One line that matches, that status, and no file that was not there.
    def expect_failure(status, message, *args, **opts)
      before = names
      result = run(*args, **opts)
      expect([result.status, result.out]).to eq([status, ""])
      expect(result.err).to match(/\Amurder_make_torrent: [^\n]*\n\z/).and match(message)
      expect(names).to eq(before)
    end

    it "exits 2 on a wrong command line, naming the word" do
      expect_failure(2, /'nowhere' is not TRACKER:PORT/, "payload", "nowhere", "x.torrent")
      %w(t: t:0 t:65536 :8998 ::1:8998 http://t:1/ [1.2.3.4:80]:8998 [1.2.3.4]:80 [t]:80 [::1:80).each do |tracker|
        expect_failure(2, /not TRACKER:PORT/, "payload", tracker, "x.torrent")
      end
      expect_failure(2, /not a power of two/, "payload", "t:1", "x.torrent", "--piece-length", 300_000)
      expect_failure(2, /--piece-length/, "payload", "t:1", "x.torrent", "--piece-length", 1024)
      expect_failure(2, /--tracker/, "payload", "t:1", "x.torrent", *(["--tracker", "u:2"] * 16))
      expect_failure(2, /./, "payload", "t:1")
      expect_failure(2, /./, "payload", "t:1", "x.torrent", "--nonsense")
    end

    it "exits 2 when the outputs would destroy what is read" do
      FileUtils.mkdir(path("src"))
      expect_failure(2, /is the file itself/, "payload", "t:1", "payload")
      expect_failure(2, /payload and \.torrent at once/, "payload", "t:1", "x", "--output", "./x")
      expect_failure(2, /lies in the directory/, "src", "t:1", "src/x.tgz.torrent")
      expect_failure(2, /lies in the directory/, ".", "t:1", "../x.torrent", "--output", "src/x.tgz")
      expect_failure(2, /does not end in .torrent/, "src", "t:1", "x")
    end

    it "exits 4 on a missing, odd or unreadable source" do
      File.mkfifo(path("pipe"))
      expect_failure(4, /nosuch: cannot open: No such file/, "nosuch", "t:1", "x.torrent")
      expect_failure(4, /pipe: is not a regular file/, "pipe", "t:1", "x.torrent")
      expect_failure(4, %r{payload/: cannot open: Not a directory}, "payload/", "t:1", "x.torrent")
    end

    it "exits 5 on a target that cannot be written, before it reads anything" do
      FileUtils.mkdir(path("d"))
      expect_failure(5, %r{no/such: cannot open the directory}, "payload", "t:1", "no/such/x.torrent")
      expect_failure(5, /d: cannot replace: it is a directory/, "payload", "t:1", "d")
      expect_failure(5, /d: cannot replace: it is a directory/, "payload", "t:1", "x.torrent", "--output", "d")
    end

    it "exits 5 rather than follow a link planted at the target or the payload" do
      write("victim", "precious")
      File.symlink("victim", path("x.torrent"))
      File.symlink("victim", path("y"))
      expect_failure(5, /x.torrent: cannot replace: it is a symbolic link/, "payload", "t:1", "x.torrent")
      expect_failure(5, /y: cannot replace: it is a symbolic link/, "payload", "t:1", "z.torrent", "--output", "y")
      expect(File.read(path("victim"))).to eq("precious")
    end

    it "exits 5 on a full disk and leaves nothing there" do
      result = run_on_tmpfs("256k", "payload", "t:1", "mnt/x.torrent", "--output", "mnt/copy")
      expect([result.status, result.err]).to match([5, %r{\Amurder_make_torrent: mnt/copy: cannot write: No space}])
      expect(File.read(path("left"))).to eq("")
    end

    it "exits 5 on a disk that is full of the packed directory" do
      make_tree("src", files: 20, bytes: 1 << 20)
      result = run_on_tmpfs("256k", "src", "t:1", "mnt/x.tgz.torrent")
      expect([result.status, result.err]).to match([5, %r{mnt/x.tgz: cannot write: No space left}])
      expect(File.read(path("left"))).to eq("")
    end

    it "exits 5 on a read-only file system" do
      result = run_on_tmpfs("4m", "payload", "t:1", "mnt/x.torrent", remount: "ro")
      expect([result.status, result.err]).to match([5, %r{mnt/x.torrent: cannot create: Read-only file system}])
    end

    it "exits 3 on a tree that hosts would refuse" do
      FileUtils.mkdir(path("src"))
      File.symlink("/etc/passwd", path("src/l"))
      expect_failure(3, %r{src/l: is a symbolic link out}, "src", "t:1", "x.tgz.torrent")
    end
  end

  describe "in the middle" do
    # Large enough to be caught at work, and hard to compress.
    before { make_tree("src", files: 40, bytes: 120 << 20) }

    def at_work(*args)
      running = start("src", "t:1", "x.tgz.torrent", *args)
      Swarm.wait_until { Dir.glob(path(".*.murder-*")).any? { |file| File.size?(file) } }
      running
    end

    %w[INT TERM HUP].each do |signal|
      it "removes everything when SIG#{signal} ends it, with status 13" do
        running = at_work("--level", 9)
        running.kill(signal)
        result = running.wait
        expect([result.status, result.err]).to eq([13, "murder_make_torrent: interrupted: nothing was written\n"])
        expect(names).to eq(%w[src])
      end
    end

    it "leaves nothing under the final names when it is killed" do
      running = at_work("--level", 9)
      running.kill(:KILL)
      expect(running.wait.status).to eq(-9)
      expect(names.grep(/\Ax/)).to be_empty
      expect(run("src", "t:1", "x.tgz.torrent").status).to eq(0)
    end

    it "writes nothing when nobody is left who reads its line, with status 13" do
      read, write = IO.pipe
      pid = spawn(program, "src", "t:1", "x.tgz.torrent", chdir: dir, out: write, err: path("err-1"))
      [write, read].each(&:close)
      Process.wait(pid)
      expect([$CHILD_STATUS.exitstatus, File.read(path("err-1"))])
        .to match([13, /standard output: nobody reads it any more: nothing was written/])
      expect(names).to eq(%w[src])
    end

    it "notices a file that is written meanwhile" do
      running = at_work("--level", 9)
      file = Dir.glob(path("src/d*/e*/f*")).max
      File.write(file, "more", mode: "a") until running.err != "" || Swarm.gone?(running.pid)
      result = running.wait
      expect([result.status, result.err]).to match([4, /changed while it was packed: try again/])
      expect(names).to eq(%w[src])
    end
  end

  it "prints its help and version" do
    expect(run("--help").out).to include("murder_make_torrent FILE_OR_DIRECTORY TRACKER:PORT TARGET.torrent",
                                         "--output", "--piece-length", "--tracker", "--level", "--outside-links")
    expect(run("--version").out).to match(/\Amurder_make_torrent \d/)
  end
end
