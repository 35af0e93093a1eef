extension ConfigurationReader {
    /// The configuration in effect for `--print-config`: one line a variable, secrets masked.
    package var printable: String {
        let rows = sorted.map { key in
            (key.name, key.source == .none ? "-" : key.shownValue, key.source.rawValue)
        }
        let nameWidth = rows.map(\.0.count).max() ?? 0
        let valueWidth = rows.map(\.1.count).max() ?? 0
        return rows.map { "\($0.padded(to: nameWidth))  \($1.padded(to: valueWidth))  \($2)" }.joined(separator: "\n")
    }

    /// All variables that can be set as a Markdown table, for the documentation.
    package var reference: String {
        let rows = sorted.map { key in
            let fallback = key.defaultText.map { $0.isEmpty ? "empty" : "`\($0)`" } ?? "none"
            let cells = ["`\(key.name)`", key.expected, fallback, key.help].map { $0.replacing("|", with: "\\|") }
            return "| \(cells.joined(separator: " | ")) |"
        }
        return (["| variable | value | default | meaning |", "| --- | --- | --- | --- |"] + rows).joined(
            separator: "\n")
    }

    /// By name, each once: two parts of a program may read the same variable.
    private var sorted: [ConfigurationKey] {
        Dictionary(keys.map { ($0.name, $0) }) { first, _ in first }.values.sorted { $0.name < $1.name }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
