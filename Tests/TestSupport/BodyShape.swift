/// JSON of a kind that some decoder spends far more on than on others of its size.
package enum BodyShape: String, CaseIterable, Sendable {
    case longString, escapes, deep, deepAndWide, wide, objects, numbers, longNumbers, manyKeys, escapedKeys, similarKeys

    /// Members of an object, the first one called `x`, of about so many bytes. They nest less than 60 levels.
    package func members(_ bytes: Int) -> String {
        switch self {
        case .longString: #""x":""# + String(repeating: "a", count: bytes) + #"""#
        case .escapes: #""x":""# + String(repeating: #"\u00e9\n"#, count: bytes / 8) + #"""#
        case .deep: list(of: String(repeating: "[", count: 55) + String(repeating: "]", count: 55), bytes)
        case .deepAndWide:
            #""x":"# + String(repeating: "[", count: 55) + String(repeating: "{},", count: bytes / 3) + "{}"
                + String(repeating: "]", count: 55)
        case .wide: list(of: "0", bytes)
        case .objects: list(of: #"{"a":{},"b":[]}"#, bytes)
        case .numbers: list(of: "-1.7976931348623157e-300", bytes)
        case .longNumbers: list(of: String(repeating: "9", count: bytes / 4) + ".5e-7", bytes)
        case .manyKeys: #""x":0"# + String(repeating: #","":0"#, count: bytes / 5)
        case .escapedKeys: #""x":0"# + String(repeating: #","\u0061gent_cart":0"#, count: bytes / 19)
        case .similarKeys: #""x":0"# + String(repeating: #","agent_care":0"#, count: bytes / 15)
        }
    }

    private func list(of element: String, _ bytes: Int) -> String {
        #""x":["# + String(repeating: element + ",", count: bytes / (element.utf8.count + 1)) + element + "]"
    }
}
