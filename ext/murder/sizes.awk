# Prints the table of file and function sizes; fails on a file of more than
# 500 lines or a function of more than 70 (body from a column-0 brace to its
# column-0 end).
FNR == 1 { if (NR > 1) file_end(); file = FILENAME; lines = 0 }
{ lines++ }
/^[a-z_0-9A-Z]+\(/ { name = $0; sub(/\(.*/, "", name) }
/^\{/ { start = FNR }
/^\}/ && start { n = FNR - start - 1; start = 0; len[++count] = n
	if (n > longest) { longest = n; where = file ":" name }
	if (n > 70) { printf "%s: %s has %d lines (70 allowed)\n", file, name, n; bad = 1 } }
function file_end() { files++; total += lines
	if (lines > most) { most = lines; biggest = file }
	if (lines > 500) { printf "%s has %d lines (500 allowed)\n", file, lines; bad = 1 } }
END { file_end()
	over = 0; for (i = 1; i <= count; i++) if (len[i] > 40) over++
	printf "sizes: %d files, %d lines, largest %s (%d); %d functions, longest %s (%d), over 40 lines: %.1f %%\n",
	  files, total, biggest, most, count, where, longest, count ? 100 * over / count : 0
	exit bad }
