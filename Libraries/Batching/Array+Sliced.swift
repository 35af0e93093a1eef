extension Array {
    /// The array in slices whose weights do not exceed a limit; a slice has at least one element. A ``Batcher`` bounds
    /// the number of inputs in a batch; this bounds the bytes of one statement or message.
    @inlinable
    package func sliced(by weight: (Element) -> Int, upTo limit: Int) -> [ArraySlice<Element>] {
        var slices: [ArraySlice<Element>] = []
        var start = 0
        var total = 0
        for (index, element) in enumerated() {
            let added = weight(element)
            if total + added > limit, index > start {
                slices.append(self[start..<index])
                start = index
                total = 0
            }
            total += added
        }
        if start < count { slices.append(self[start...]) }
        return slices
    }
}
