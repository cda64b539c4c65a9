# Reads the output of go test -bench with -count and prints, as a Markdown
# table, the median of each benchmark; where there are a /sdk and a /floor,
# also the ratio of the two.
/^pkg: / { pkg = $2; sub(/^github\.com\/pa-italia\/sdk-go\/?/, "", pkg) }
/^Benchmark/ {
	name = $1
	sub(/-[0-9]+$/, "", name)
	sub(/^Benchmark/, "", name)
	name = pkg " " name
	if (!(name in count)) order[++names] = name
	n = ++count[name]
	for (i = 3; i < NF; i += 2) value[name, $(i + 1), n] = $i
}
END {
	print "| benchmark | runs | ns/op | B/op | allocs/op | MB/s |"
	print "|---|---:|---:|---:|---:|---:|"
	for (i = 1; i <= names; i++) {
		name = order[i]
		row(name, count[name], median(name, "ns/op"), median(name, "B/op"), median(name, "allocs/op"), median(name, "MB/s"))
		if (sub(/\/sdk$/, "", name) && (name "/floor") in count)
			row(name " **ratio**", "", ratio(name, "ns/op"), ratio(name, "B/op"), ratio(name, "allocs/op"), ratio(name, "MB/s"))
	}
}
function row(name, n, ns, bytes, allocs, rate) {
	printf "| %s | %s | %s | %s | %s | %s |\n", name, n, ns, bytes, allocs, rate
}
function ratio(name, unit,    sdk, floor) {
	sdk = median(name "/sdk", unit)
	floor = median(name "/floor", unit)
	return sdk == "" || floor == "" || floor == 0 ? "" : sprintf("%.2f", sdk / floor)
}
function median(name, unit,    n, i, j, v, sorted) {
	n = 0
	for (i = 1; i <= count[name]; i++) {
		if (!((name, unit, i) in value)) continue
		v = value[name, unit, i] + 0
		for (j = ++n; j > 1 && sorted[j - 1] > v; j--) sorted[j] = sorted[j - 1]
		sorted[j] = v
	}
	if (n == 0) return ""
	return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}
