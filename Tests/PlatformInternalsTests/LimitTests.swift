import Foundation
import Testing

import Contracts
import PlatformInternals

/// The documented limits are those of the code.
@Suite struct LimitTests {
    @Test func theTableIsDocumented() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/limits.md")
        let lines = try String(contentsOf: file.standardizedFileURL, encoding: .utf8).split(separator: "\n")
        let rows = lines.filter { $0.hasPrefix("| ") }.dropFirst(2).map(String.init)
        #expect(rows == Limits.table.map(\.markdown))
    }

    @Test func scalarsAreCounted() {
        let character = "e" + String(repeating: "\u{301}", count: 9)
        #expect(character.count == 1)
        #expect(!character.isLonger(than: 10) && character.isLonger(than: 9))
        #expect(character.bounded(to: 3).unicodeScalars.count == 3)
        #expect("😀😀".bounded(to: 2) == "😀😀" && !"😀😀".isLonger(than: 2) && "😀😀".isLonger(than: 1))
        let thousand = String(repeating: "\u{301}", count: 1000)
        #expect(("a" + thousand + "bc").shortened(to: 2, mark: "…").unicodeScalars.count == 17)
        #expect("abc".shortened(to: 3, mark: "…") == "abc" && "abcd".shortened(to: 3, mark: "…") == "abc…")
        #expect("ée😀x".shortened(to: 3) == "ée😀" && "".shortened(to: 3) == "")
        #expect("".bounded(to: 0).isEmpty && !"".isLonger(than: 0))
    }
}
