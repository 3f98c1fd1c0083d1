# frozen_string_literal: true

require "murder/commands"
require "murder/options"
require "open3"
require "tmpdir"

RSpec.describe Murder::Commands do
  def commands(given = {}, **variables)
    arguments = { "tag" => "v1", "files_path" => "~/files", "destination_path" => "/srv/app" }
    options = Murder::Options.new(variables: ->(name) { { remote_murder_path: "/opt/murder" }.merge(variables)[name] },
                                  arguments: arguments.merge(given.transform_keys(&:to_s)),
                                  needs: %i[tag files_path destination_path murder_path])
    described_class.new(options)
  end

  describe "the programs' command lines" do
    {
      start_tracker: "/opt/murder/murder_tracker --port 8998 --daemon",
      stop_tracker: "/opt/murder/murder_tracker stop --port 8998",
      seed: "/opt/murder/murder_client seeder /tmp/v1.tgz.torrent /tmp/v1.tgz --daemon --tag=v1",
      stop_seeding: "/opt/murder/murder_client stop seeder --tag=v1"
    }.each do |name, line|
      it("#{name} is `#{line}`") { expect(commands.send(name).to_s).to eq(line) }
    end

    it "make_torrent names tracker and both files" do
      expect(commands.make_torrent("h1").last.to_s).to eq(
        "/opt/murder/murder_make_torrent ~/files h1:8998 /tmp/v1.tgz.torrent --output /tmp/v1.tgz --piece-length auto"
      )
    end

    it "make_torrent names further trackers" do
      expect(commands.make_torrent("h1", "h2", "fd00::3").last.to_s)
        .to end_with("--output /tmp/v1.tgz --piece-length auto --tracker h2:8998 --tracker '[fd00::3]:8998'")
    end

    it "make_torrent puts an IPv6 tracker into brackets" do
      expect(commands.make_torrent("fd00::1").last.to_s).to include(" '[fd00::1]:8998' ")
      expect(commands.make_torrent("[fd00::1]").last.to_s).to include(" '[fd00::1]:8998' ")
    end

    it "peer extracts into the tag's directory" do
      expect(commands.peer.map(&:to_s)).to eq(
        ["/opt/murder/murder_client peer /tmp/v1.tgz.torrent /tmp/v1.tgz --extract /srv/app/v1 --tag=v1"]
      )
    end

    it "peer with path_is_file downloads first and copies then" do
      lines = commands({ path_is_file: "1" }).peer.map(&:to_s)
      expect(lines.first).to eq("/opt/murder/murder_client peer /tmp/v1.tgz.torrent /tmp/v1.tgz --tag=v1")
      expect(lines.last)
        .to end_with(" murder:peer /tmp/v1.tgz /srv/app /opt/murder/murder_client status seeder --tag=v1")
    end

    it "tracker_port is honoured everywhere" do
      given = commands({}, tracker_port: 9000)
      expect([given.start_tracker, given.stop_tracker, given.make_torrent("h").last].map(&:to_s)).to all include("9000")
    end

    it "remote_murder_path may begin with ~/" do
      expect(commands({},
                      remote_murder_path: "~/mur der/").seed.to_s).to start_with("~/'mur der/murder_client' seeder ")
      expect(commands({}, remote_murder_path: "~/mur der/").payload).to eq("~/mur der/murder_dist.tgz")
    end

    it "every value is quoted" do
      line = commands({ tag: "it's $(id)", files_path: "/a b", temp_path: "/t;x" }).make_torrent("h").last.to_s
      expect(line).to eq("/opt/murder/murder_make_torrent '/a b' h:8998 '/t;x/it'\\''s $(id).tgz.torrent' " \
                         "--output '/t;x/it'\\''s $(id).tgz' --piece-length auto")
    end
  end

  # The scripts are run by a real shell, as the hosts run them.
  def sh(command)
    out, err, status = Open3.capture3("sh", "-c", command.to_s)
    [status.exitstatus, err.strip, out]
  end

  def in_directory(&block)
    Dir.mktmpdir("murder it's", &block)
  end

  def write(path, text = "x")
    FileUtils.mkdir_p(File.dirname(path))
    File.write(path, text)
  end

  def tree(dir)
    Dir.glob("**/*", File::FNM_DOTMATCH, base: dir).reject { |name| name.end_with?(".") }.sort
  end

  describe "prepare_peer" do
    # What murder:peer does before the transfer.
    def prepare(given)
      [given.prepare_peer, *given.empty_destination].map { |command| sh(command) }.reduce do |before, result|
        before.first.zero? ? result : before
      end
    end

    # The answer of a host that can.
    def agreed
      match([0, "", /\Amachine \S+ \d+:\d+\S*\n\z/])
    end

    it "takes a destination that can be made, and leaves that to the client" do
      in_directory do |dir|
        expect(sh(commands({ destination_path: "#{dir}/a/b" }).prepare_peer)).to agreed
        expect(tree(dir)).to be_empty
      end
    end

    it "refuses one below a file" do
      in_directory do |dir|
        write("#{dir}/a")
        [{}, { no_tag_directory: "1" }, { unsafe_please_delete: "1" }].each do |given|
          expect(prepare(commands({ destination_path: "#{dir}/a/b", **given })))
            .to eq([5, "destination_path #{dir}/a/b#{"/v1" unless given.key?(:no_tag_directory)}: #{dir}/a is not " \
                       "a directory", ""])
        end
      end
    end

    it "refuses a destination with so much as a hidden file, naming it" do
      in_directory do |dir|
        write("#{dir}/v1/.hidden")
        status, said = sh(commands({ destination_path: dir }).prepare_peer)
        expect(status).to eq(12)
        expect(said).to start_with("destination_path #{dir}/v1 is not empty")
        expect(tree("#{dir}/v1")).to eq([".hidden"])
      end
    end

    it "empties it, hidden files included, with unsafe_please_delete, and nothing beside it" do
      in_directory do |dir|
        %w[v1/.hidden v1/a/b v1/-rf v10/keep].each { |name| write("#{dir}/#{name}") }
        given = commands({ destination_path: dir, unsafe_please_delete: "1" })
        expect(sh(given.prepare_peer)).to agreed
        expect(tree("#{dir}/v1")).to eq(%w[-rf .hidden a a/b])
        expect(sh(given.empty_destination.first)).to eq([0, "", ""])
        expect(tree(dir)).to eq(%w[v1 v10 v10/keep])
      end
    end

    it "lets files be beside the new ones with no_tag_directory" do
      in_directory do |dir|
        write("#{dir}/a")
        expect(sh(commands({ destination_path: dir, no_tag_directory: "1" }).prepare_peer)).to agreed
        expect(tree(dir)).to eq(%w[a])
      end
    end

    it "says when a file cannot go where it should" do
      in_directory do |dir|
        given = { destination_path: "#{dir}/no/file", path_is_file: "1" }
        status, said = sh(commands(given).prepare_peer)
        expect(status).to eq(5)
        expect(said).to include("#{dir}/no is not a writable directory")
      end
    end

    it "refuses a directory that stands where the file would go" do
      in_directory do |dir|
        write("#{dir}/a/v1.tgz/b")
        status, said = sh(commands({ destination_path: "#{dir}/a", path_is_file: "1" }).prepare_peer)
        expect(status).to eq(12)
        expect(said).to eq("destination_path #{dir}/a: v1.tgz is a directory there")
      end
    end

    it "empties the directory into which a file goes only with unsafe_please_delete" do
      in_directory do |dir|
        write("#{dir}/a/b")
        given = { destination_path: "#{dir}/a", path_is_file: "1" }
        expect(sh(commands(given).prepare_peer)).to agreed
        expect(tree(dir)).to eq(%w[a a/b])
        expect(prepare(commands(given.merge(unsafe_please_delete: "1")))).to eq([0, "", ""])
        expect(tree(dir)).to eq(%w[a])
      end
    end

    it "removes a link that somebody planted where the .torrent goes, and no file" do
      in_directory do |dir|
        write("#{dir}/victim")
        File.symlink("#{dir}/victim", "#{dir}/v1.tgz.torrent")
        given = { temp_path: dir, destination_path: dir, no_tag_directory: "1" }
        expect(sh(commands(given).prepare_peer)).to agreed
        expect(tree(dir)).to eq(%w[victim])
        write("#{dir}/v1.tgz.torrent")
        expect(sh(commands(given).prepare_peer)).to agreed
        expect(tree(dir)).to eq(%w[v1.tgz.torrent victim])
      end
    end
  end

  it "clean removes what was made for the tag, complete or not, and nothing else" do
    in_directory do |dir|
      mine = %w[v1.tgz v1.tgz.torrent v1.tgz.part .v1.tgz.murder-0123456789abcdef
                .v1.tgz.torrent.murder-0123456789abcdef]
      others = %w[v10.tgz .v10.tgz.murder-0123456789abcdef v1 .v1.tgz.murder-01.tgz.murder-0123456789abcdef]
      [*mine, *others].each { |name| write("#{dir}/#{name}") }
      expect(sh(commands({ temp_path: dir }).clean)).to eq([0, "", ""])
      expect(tree(dir)).to match_array(others)
    end
  end

  describe "the copy of a file" do
    around { |example| in_directory { |dir| (@bin = dir) && example.run } }

    # "seeding" stands for what the seeder's status says.
    def copy(dir, to, seeding: false)
      write("#{@bin}/murder_client", "#!/bin/sh\nexit #{seeding ? 0 : 11}\n")
      File.chmod(0o755, "#{@bin}/murder_client")
      commands({ temp_path: dir, destination_path: to, path_is_file: "1" }, remote_murder_path: @bin).peer.last
    end

    it "is a second name on the same file system, and a copy of what a seeder serves" do
      in_directory do |dir|
        write("#{dir}/v1.tgz", "new")
        expect(sh(copy(dir, "#{dir}/out"))).to eq([0, "", ""])
        expect(File.identical?("#{dir}/v1.tgz", "#{dir}/out")).to be(true)
        expect(sh(copy(dir, "#{dir}/other", seeding: true))).to eq([0, "", ""])
        expect(File.identical?("#{dir}/v1.tgz", "#{dir}/other")).to be(false)
        expect(File.read("#{dir}/other")).to eq("new")
      end
    end

    it "lands under the name given" do
      in_directory do |dir|
        write("#{dir}/v1.tgz", "new")
        write("#{dir}/out", "old")
        expect(sh(copy(dir, "#{dir}/out"))).to eq([0, "", ""])
        expect(File.read("#{dir}/out")).to eq("new")
        expect(tree(dir)).to eq(%w[out v1.tgz])
      end
    end

    it "lands in the directory given" do
      in_directory do |dir|
        write("#{dir}/v1.tgz", "new")
        FileUtils.mkdir("#{dir}/sub")
        expect(sh(copy(dir, "#{dir}/sub"))).to eq([0, "", ""])
        expect(File.read("#{dir}/sub/v1.tgz")).to eq("new")
      end
    end

    it "does not copy a file onto itself" do
      in_directory do |dir|
        write("#{dir}/v1.tgz", "new")
        expect(sh(copy(dir, dir))).to eq([0, "", ""])
        expect(File.read("#{dir}/v1.tgz")).to eq("new")
      end
    end

    it "replaces a link instead of writing through it" do
      in_directory do |dir|
        write("#{dir}/v1.tgz", "new")
        write("#{dir}/victim", "old")
        File.symlink("#{dir}/victim", "#{dir}/out")
        File.symlink("#{dir}/victim", "#{dir}/out.murder-part")
        expect(sh(copy(dir, "#{dir}/out"))).to eq([0, "", ""])
        expect(File.read("#{dir}/victim")).to eq("old")
        expect(File.read("#{dir}/out")).to eq("new")
        expect(File).not_to be_symlink("#{dir}/out")
      end
    end

    it "leaves nothing under the final name when it fails" do
      in_directory do |dir|
        status, said = sh(copy(dir, "#{dir}/out"))
        expect(status).to eq(5)
        expect(said).to include("v1.tgz")
        expect(tree(dir)).to be_empty
      end
    end
  end

  describe "the directory of the programs" do
    def prepare(dir)
      given = commands({}, remote_murder_path: "#{dir}/murder")
      checked = sh(given.check_murder(1))
      checked == [0, "", ""] ? sh(given.prepare_murder) : checked
    end

    it "is made, but not by the check, and emptied of all but run/" do
      in_directory do |dir|
        expect(sh(commands({}, remote_murder_path: "#{dir}/murder").check_murder(1))).to eq([0, "", ""])
        expect(tree(dir)).to be_empty
        expect(prepare(dir)).to eq([0, "", ""])
        %w[murder_client .hidden old/x run/tracker-8998.pid].each { |name| write("#{dir}/murder/#{name}") }
        expect(prepare(dir)).to eq([0, "", ""])
        expect(tree("#{dir}/murder")).to eq(%w[run run/tracker-8998.pid])
      end
    end

    it "is left alone when it holds 1,000 files" do
      in_directory do |dir|
        1000.times { |i| write("#{dir}/murder/#{i}") }
        status, said = prepare(dir)
        expect(status).to eq(12)
        expect(said).to start_with("Cowardly refusing to remove files!")
        expect(tree("#{dir}/murder").size).to eq(1000)
        File.delete("#{dir}/murder/0")
        expect(prepare(dir)).to eq([0, "", ""])
        expect(tree("#{dir}/murder")).to be_empty
      end
    end

    it "is left alone when the disk cannot take what is sent" do
      in_directory do |dir|
        write("#{dir}/murder/old")
        status, said = sh(commands({}, remote_murder_path: "#{dir}/murder").check_murder(10**12))
        expect([status, said]).to match([5, /the disk is full: 1000000000000 KB needed, \d+ KB free/])
        expect(tree("#{dir}/murder")).to eq(%w[old])
      end
    end
  end

  describe "stop" do
    def stopping(dir, text)
      write("#{dir}/murder_client", "#!/bin/sh\n#{text}\n")
      File.chmod(0o755, "#{dir}/murder_client")
      sh(commands({}, remote_murder_path: dir).stop_peering)
    end

    it "takes status 11, nothing to stop, for success and says nothing" do
      in_directory { |dir| expect(stopping(dir, "echo none >&2; exit 11")).to eq([0, "", ""]) }
    end

    it "passes every other failure on, with its words" do
      in_directory { |dir| expect(stopping(dir, "echo why >&2; exit 5")).to eq([5, "why", ""]) }
    end

    it "gets its arguments unchanged" do
      in_directory { |dir| expect(stopping(dir, '[ "$*" = "stop peer --tag=v1" ]')).to eq([0, "", ""]) }
    end
  end

  it "says that a file is wanted when files_path is none" do
    in_directory do |dir|
      status, said = sh(commands({ files_path: dir, path_is_file: "1" }).make_torrent("h").first)
      expect(status).to eq(4)
      expect(said).to include("#{dir} is a directory")
      expect(sh(commands({ files_path: "#{dir}/none", path_is_file: "1" }).make_torrent("h").first)).to eq([0, "", ""])
    end
  end

  it "says that a directory is wanted when files_path is none" do
    in_directory do |dir|
      write("#{dir}/file")
      status, said = sh(commands({ files_path: "#{dir}/file" }).make_torrent("h").first)
      expect(status).to eq(4)
      expect(said).to include("add path_is_file=1")
    end
  end
end
