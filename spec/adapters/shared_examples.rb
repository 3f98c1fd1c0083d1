# frozen_string_literal: true

# What holds under every Capistrano. The including group gives
#   cap(capfile)      a recorder with a configuration of that text
#   standalone        a Capfile's text: peers h1..h3, seeder h1, tracker h1
#   operator_error    the exception that reaches the operator
RSpec.shared_examples "murder on Capistrano" do
  around do |example|
    Dir.mktmpdir { |dir| (@local = dir) && example.run }
  end

  let(:temp) { @local }

  def local_torrent(tag)
    File.write("#{temp}/#{tag}.tgz.torrent", "d4:spam4:eggse")
  end

  def failing(&block)
    block.call
    raise "nothing was raised"
  rescue operator_error => e
    e.message
  end

  describe "the tasks" do
    it "are those of the table, described" do
      tasks = cap(standalone).described_tasks
      expect(tasks).to eq(Murder::Tasks::ALL.to_h { |task| ["murder:#{task.name}", task.description] })
    end

    it "run nothing when an argument is missing, and name it" do
      recorder = cap(standalone)
      expect(failing { recorder.invoke("murder:peer", destination_path: "/srv") }).to include("'tag' parameter")
      expect(failing { recorder.invoke("murder:peer", tag: "v1") }).to include("'destination_path' parameter")
      expect(failing { recorder.invoke("murder:create_torrent", tag: "v1") }).to include("'files_path' parameter")
      expect(recorder.commands).to be_empty
    end

    it "do not write to ENV" do
      local_torrent("v1")
      before = ENV.to_h
      cap(standalone).invoke("murder:peer", tag: "v1", destination_path: "/srv", temp_path: temp)
      expect(ENV.to_h).to eq(before)
    end
  end

  describe "the manual flow" do
    it "is the golden script" do
      recorder = cap(standalone)
      recorder.set(:default_temp_path, temp)
      recorder.invoke("murder:start_tracker")
      recorder.invoke("murder:create_torrent", tag: "Deploy1", files_path: "~/files")
      recorder.invoke("murder:start_seeding", tag: "Deploy1")
      recorder.invoke("murder:peer", tag: "Deploy1", destination_path: "/srv")
      recorder.invoke("murder:stop_peering", tag: "Deploy1")
      recorder.invoke("murder:stop_seeding", tag: "Deploy1")
      recorder.invoke("murder:stop_tracker")
      recorder.invoke("murder:clean_temp_files", tag: "Deploy1")
      recorder.invoke("murder:stop_all_seeding")
      recorder.invoke("murder:stop_all_peering")
      expect(recorder.text.gsub(temp, "/tmp")).to match_golden("manual")
    end

    it "leaves the .torrent on this machine, under its own name only" do
      cap(standalone).invoke("murder:download_torrent", tag: "v1", temp_path: "#{temp}/new")
      expect(Dir.children("#{temp}/new")).to eq(["v1.tgz.torrent"])
      expect(File.read("#{temp}/new/v1.tgz.torrent")).to eq("d4:spam4:eggse")
    end

    it "replaces a link planted where the .torrent goes on this machine" do
      File.write("#{temp}/victim", "mine")
      File.symlink("#{temp}/victim", "#{temp}/v1.tgz.torrent")
      cap(standalone).invoke("murder:download_torrent", tag: "v1", temp_path: temp)
      expect(File.read("#{temp}/victim")).to eq("mine")
      expect(File).not_to be_symlink("#{temp}/v1.tgz.torrent")
    end

    it "does not download the .torrent when told not to" do
      recorder = cap(standalone)
      recorder.invoke("murder:create_torrent", tag: "v1", files_path: "/f", do_not_download_torrent: "1")
      expect(recorder.script.grep(/: download/)).to be_empty
    end

    it "asks for the .torrent before it touches any host" do
      recorder = cap(standalone)
      message = failing { recorder.invoke("murder:peer", tag: "v1", destination_path: "/srv", temp_path: temp) }
      expect(message).to include("#{temp}/v1.tgz.torrent", "murder:download_torrent")
      expect(recorder.commands).to be_empty
    end

    it "says why the .torrent cannot be written on this machine" do
      File.write("#{temp}/file", "")
      recorder = cap(standalone)
      expect(failing { recorder.invoke("murder:download_torrent", tag: "v1", temp_path: "#{temp}/file") })
        .to start_with("cannot write #{temp}/file/v1.tgz.torrent on this machine: ")
      FileUtils.mkdir_p("#{temp}/v1.tgz.torrent")
      expect(failing { recorder.invoke("murder:download_torrent", tag: "v1", temp_path: temp) })
        .to eq("cannot write #{temp}/v1.tgz.torrent on this machine: Is a directory")
      expect(Dir.children(temp)).to contain_exactly("file", "v1.tgz.torrent")
    end

    it "names the tracker as the variable tracker_host says" do
      recorder = cap(standalone)
      recorder.set(:tracker_host, "10.0.0.1")
      recorder.invoke("murder:create_torrent", tag: "v1", files_path: "/f", do_not_download_torrent: "1")
      expect(recorder.commands.last).to include(" 10.0.0.1:8998 ")
    end
  end

  describe "peer" do
    before { local_torrent("v1") }

    let(:arguments) { { tag: "v1", destination_path: "/srv", temp_path: temp } }

    it "transfers nothing when one destination is not empty, and says whose" do
      recorder = cap(standalone)
      recorder.answer(/ls -A/, hosts: ["h2"], err: "destination_path /srv/v1 is not empty: ...\n", status: 12)
      expect(failing { recorder.invoke("murder:peer", arguments) })
        .to eq("murder:peer failed on h2: destination_path /srv/v1 is not empty: ...")
      expect(recorder.script.grep(/upload|murder_client/)).to be_empty
    end

    it "names the machine that has two names, before it transfers anything" do
      recorder = cap(standalone)
      recorder.answer(/machine/, out: "machine boot 8:2\n")
      recorder.answer(/machine/, hosts: %w[h2], out: "machine boot 8:3\n")
      expect(failing { recorder.invoke("murder:peer", arguments) })
        .to start_with("h1 and h3: the same machine under two names, ")
      expect(recorder.script.grep(/upload|murder_client/)).to be_empty
    end

    it "says of every failing host what it said, hosts with the same words together" do
      recorder = cap(standalone)
      recorder.answer(/murder_client peer/, hosts: %w[h1 h3], err: "murder_client: no seed\n", status: 8)
      recorder.answer(/murder_client peer/, hosts: %w[h2], err: "murder_client: /srv: disk full\n", status: 5)
      expect(failing { recorder.invoke("murder:peer", arguments) }).to eq(<<~TEXT.chomp)
        murder:peer failed on 3 of 3 hosts:
          h1, h3: murder_client: no seed
          h2: murder_client: /srv: disk full
      TEXT
    end

    it "tells each peer its rack, and who has none nothing" do
      recorder = cap(racked)
      recorder.invoke("murder:peer", arguments)
      expect(racks_told(recorder)).to contain_exactly(["h1,h2", "--rack=a"], ["h3", "'--rack=b$(c)'"], ["h4", nil])
    end

    it "tells peers without a rack to go by their subnet if murder_rack_by says so" do
      recorder = cap(racked)
      recorder.set(:murder_rack_by, 24)
      recorder.invoke("murder:peer", arguments)
      expect(racks_told(recorder))
        .to contain_exactly(["h1,h2", "--rack=a"], ["h3", "'--rack=b$(c)'"], ["h4", "--rack-by=24"])
    end

    it "begins nowhere when a rack is no label, and says whose" do
      recorder = cap(racked.sub("b$(c)", "b c"))
      expect(failing { recorder.invoke("murder:peer", arguments) })
        .to match(/the rack of h3 is "b c": it must be 1 to 63 printable/)
      expect(recorder.commands).to be_empty
    end

    # [hosts, the word that tells them their rack] of each command.
    def racks_told(recorder)
      recorder.script.grep(/murder_client (peer|seeder)/).map { |line| [line[/\S+/], line[/'?--rack\S*=\S+/]] }
    end

    it "stops the peers when one fails" do
      recorder = cap(standalone)
      recorder.answer(/murder_client peer/, hosts: %w[h2], err: "x\n", status: 5)
      failing { recorder.invoke("murder:peer", arguments) }
      expect(recorder.commands.last).to include("murder_client stop peer --tag=v1")
    end

    it "leaves alone, where it is refused for it, the peer of the same tag that somebody else runs" do
      recorder = cap(standalone)
      running = "murder_client: a peer of v1 is already running (process 7): stop it\n"
      recorder.answer(/murder_client peer/, hosts: %w[h2], status: 10, err: running)
      failing { recorder.invoke("murder:peer", arguments) }
      expect(recorder.script.last.to_s).to match(/stop peer --tag=v1/).and match(/h1/).and match(/h3/)
      expect(recorder.script.last.to_s).not_to include("h2")
    end

    it "stops the peers when it is interrupted" do
      recorder = cap(standalone)
      recorder.answer(/murder_client peer/, error: Interrupt.new)
      expect { recorder.invoke("murder:peer", arguments) }.to raise_error(Interrupt)
      expect(recorder.commands.last).to include("murder_client stop peer --tag=v1")
    end

    it "names the first failure even if the stop fails too" do
      recorder = cap(standalone)
      recorder.answer(/stop peer/, err: "stop failed\n", status: 1)
      recorder.answer(/murder_client peer/, hosts: %w[h2], err: "first cause\n", status: 5)
      expect(failing { recorder.invoke("murder:peer", arguments) }).to eq("murder:peer failed on h2: first cause")
    end

    it "says what to do when the programs are not there" do
      recorder = cap(standalone)
      recorder.answer(/murder_client peer/, hosts: %w[h2], err: "sh: 1: /opt/murder/murder_client: not found\n",
                                            status: 127)
      expect(failing do
        recorder.invoke("murder:peer", arguments)
      end).to end_with("run `cap murder:distribute_files` first")
    end

    it "has a word for a host that failed without one" do
      recorder = cap(standalone)
      recorder.answer(/murder_client peer/, hosts: %w[h2], status: 1)
      expect(failing do
        recorder.invoke("murder:peer", arguments)
      end).to eq("murder:peer failed on h2: failed without a word")
    end

    it "names the host to which the .torrent cannot be sent" do
      recorder = cap(standalone)
      recorder.answer(/upload/, hosts: %w[h3], err: "scp: No space left on device", status: 1)
      expect(failing { recorder.invoke("murder:peer", arguments) })
        .to eq("murder:peer failed on h3: #{temp}/v1.tgz.torrent: scp: No space left on device")
    end
  end

  # Stands for what `rake dist` builds.
  def programs(platform)
    raise Murder::ProgramsError, "no programs for #{platform}" unless platform.match?(/x86_64|aarch64/)

    dir = File.join(temp, "dist-#{platform}")
    FileUtils.mkdir_p(dir)
    Murder::Programs::NAMES.each { |name| File.write("#{dir}/#{name}", platform) }
    dir
  end

  describe "distribute_files" do
    before { allow(Murder::Programs).to receive(:directory) { |platform| programs(platform) } }

    it "is the golden script: each host gets its own platform" do
      recorder = cap(standalone)
      recorder.answer(/uname/, out: "Linux x86_64\n")
      recorder.answer(/uname/, hosts: %w[h2], out: "Linux aarch64\n")
      recorder.invoke("murder:distribute_files")
      expect(recorder.text.gsub(/\(\d+ bytes\)/, "(N bytes)")).to match_golden("distribute_files")
    end

    def inventory(platform, sums: 3, entries: 3, runs: "runs\n")
      sum = Digest::SHA256.hexdigest(platform)
      lines = Murder::Programs::NAMES.first(sums).map { |name| "#{sum}  #{name}\n" }
      ["#{platform.sub("linux-", "Linux ")}\n", "machine  /opt/murder\n", *lines, "#{entries}\n", runs].join
    end

    it "leaves alone a host that has exactly these files, and says so" do
      recorder = cap(standalone)
      recorder.answer(/uname/, out: inventory("linux-x86_64"))
      recorder.answer(/uname/, hosts: %w[h2], out: inventory("linux-aarch64"))
      recorder.invoke("murder:distribute_files")
      expect(recorder.commands).to contain_exactly(include("uname -sm"))
      expect(recorder.log.string).to include("h1, h3: has these programs already", "h2: has these programs already")
    end

    it "sends to a host that lacks a file, has one too many or cannot run them" do
      recorder = cap(standalone)
      recorder.answer(/uname/, out: inventory("linux-x86_64", sums: 2))
      recorder.answer(/uname/, hosts: %w[h2], out: inventory("linux-x86_64", entries: 4))
      recorder.answer(/uname/, hosts: %w[h3], out: inventory("linux-x86_64", runs: ""))
      recorder.invoke("murder:distribute_files")
      expect(recorder.script.grep(/: upload/)).to contain_exactly(start_with("h1,h2,h3 : "))
    end

    it "touches no host when one is of a platform nobody built for" do
      recorder = cap(standalone)
      recorder.answer(/uname/, out: "Linux x86_64\n")
      recorder.answer(/uname/, hosts: %w[h3], out: "Linux riscv64\n")
      expect(failing { recorder.invoke("murder:distribute_files") })
        .to eq("murder:distribute_files failed on h3: no programs for linux-riscv64")
      expect(recorder.commands).to contain_exactly(start_with("sh -c 'uname -sm; "))
    end

    it "sends once to a machine that has two names" do
      recorder = cap(standalone)
      recorder.answer(/uname/, out: "Linux x86_64\nmachine boot 8:2\n")
      recorder.answer(/uname/, hosts: %w[h2], out: "Linux x86_64\nmachine boot 8:3\n")
      recorder.invoke("murder:distribute_files")
      expect(recorder.script.grep(/: upload/)).to contain_exactly(start_with("h1,h2 : "))
      expect(recorder.log.string).to include("h1, h3: the same machine, sent to once")
    end

    it "says which host would not be emptied" do
      recorder = cap(standalone)
      recorder.answer(/uname/, out: "Linux x86_64\n")
      recorder.answer(/Cowardly/, hosts: %w[h2], err: "Cowardly refusing to remove files! ...\n", status: 12)
      expect(failing { recorder.invoke("murder:distribute_files") })
        .to eq("murder:distribute_files failed on h2: Cowardly refusing to remove files! ...")
      expect(recorder.script.grep(/: upload/)).to be_empty
    end
  end

  describe "hooks" do
    it "run before and after every task" do
      local_torrent("v1")
      recorder = cap(standalone)
      recorder.answer(/uname/, out: "#{`uname -sm`}\n")
      allow(Murder::Programs).to receive(:directory) { programs("linux-x86_64") }
      given = { tag: "v1", files_path: "/f", destination_path: "/srv", temp_path: temp }
      Murder::Tasks::ALL.each do |task|
        seen = []
        recorder.before_task("murder:#{task.name}") { seen << :before }
        recorder.after_task("murder:#{task.name}") { seen << :after }
        recorder.invoke("murder:#{task.name}", given)
        expect(seen).to eq(%i[before after]), task.name
      end
    end
  end

  describe "a transfer" do
    before do
      @recorder = cap(standalone)
      @recorder.set(:default_temp_path, temp)
      @recorder.before("murder:start_seeding", "murder:start_tracker")
      @recorder.after("murder:stop_seeding", "murder:stop_tracker")
    end

    attr_reader :recorder

    def transfer
      recorder.adapter.translated do
        recorder.adapter.with(tag: "v1", files_path: "/f", destination_path: "/d", path_is_file: "yes") do
          Murder::Transfer.new(recorder.adapter).call
        end
      end
    end

    def programs_run
      lines = recorder.commands.grep_v(/murder_client status/)
      lines.filter_map { |line| line[/murder_(\w+(?: (?:stop )?(?:seeder|peer|stop)\b)?)/, 1] }
    end

    it "starts and stops everything in order" do
      transfer
      expect(programs_run).to eq(["make_torrent", "tracker", "client seeder", "client peer", "client stop peer",
                                  "client stop seeder", "tracker stop"])
      expect(recorder.commands.last).to include("murder:clean_temp_files")
    end

    it "leaves the tracker to another transfer, whose seeder runs" do
      recorder.answer(/status seeder$/, out: "role=seeder tag=other%20%C3%BCne pid=7\n")
      transfer
      expect(programs_run.last).to eq("client stop seeder")
      expect(recorder.log.string).to include("The tracker goes on for other üne, ")
    end

    it "does not take its own seeder, which could not be stopped, for another's" do
      recorder.answer(/status seeder$/, out: "role=seeder tag=v1 pid=8\n")
      transfer
      expect(programs_run.last).to eq("tracker stop")
    end

    it "stops nothing that it has not begun" do
      recorder.answer(/make_torrent/, err: "no such file\n", status: 4)
      expect(failing { transfer }).to eq("murder:create_torrent failed on h1: no such file")
      expect(programs_run).to eq(["make_torrent"])
      expect(recorder.commands.last).to include("murder:clean_temp_files")
    end

    it "stops the tracker, which a hook started, when seeding fails" do
      recorder.answer(/murder_client seeder/, err: "port in use\n", status: 6)
      expect(failing { transfer }).to eq("murder:start_seeding failed on h1: port in use")
      expect(programs_run.last(2)).to eq(["client stop seeder", "tracker stop"])
    end

    it "stops seeder and tracker when peering fails, and names the first cause" do
      recorder.answer(/murder_\w+ stop/, err: "cannot stop\n", status: 1)
      recorder.answer(/murder_client peer/, hosts: %w[h2], err: "disk full\n", status: 5)
      expect(failing { transfer }).to eq("murder:peer failed on h2: disk full")
      expect(programs_run.last(3)).to eq(["client stop peer", "client stop seeder", "tracker stop"])
      expect(recorder.commands.last).to include("murder:clean_temp_files")
    end

    it "stops everything when it is interrupted" do
      recorder.answer(/murder_client peer/, error: Interrupt.new)
      expect { transfer }.to raise_error(Interrupt)
      expect(programs_run.last(3)).to eq(["client stop peer", "client stop seeder", "tracker stop"])
    end

    it "reports a stop that failed when all else went well" do
      recorder.answer(/stop seeder/, err: "cannot stop\n", status: 1)
      expect(failing { transfer }).to eq("murder:stop_seeding failed on h1: cannot stop")
      expect(programs_run.last(1)).to eq(["tracker stop"])
    end

    it "does not mind that the seeder is gone when all peers have the file" do
      recorder.answer(/stop seeder/, err: "none\n", status: 0)
      transfer
      expect(recorder.commands.grep(/stop seeder/).first).to include("-eq 11")
    end
  end
end
