import Testing

@testable import CommandLineTool

@Suite struct TableTests {
    private func table() -> Table {
        var table = Table([.identifier("NAME"), .text("URL"), .number("PENDING")])
        table.add("billing", "https://billing.example.com/hooks/postrider", "12")
        table.add("日本", "https://例え.jp/🙂", "1204")
        table.add("cafe\u{301}", "https://x.example", "0")
        return table
    }

    @Test func columnsLineUpByDisplayWidth() {
        #expect(
            table().lines(width: 80) == [
                "NAME     URL                                          PENDING",
                "billing  https://billing.example.com/hooks/postrider       12",
                "日本     https://例え.jp/🙂                              1204",
                "cafe\u{301}     https://x.example                                  0",
            ])
    }

    @Test func widestTextIsCutToFit() {
        let lines = table().lines(width: 40)
        #expect(
            lines == [
                "NAME     URL                     PENDING",
                "billing  https://billing.examp…       12",
                "日本     https://例え.jp/🙂         1204",
                "cafe\u{301}     https://x.example             0",
            ])
        #expect(lines.allSatisfy { DisplayWidth.of($0) <= 40 })
    }

    @Test func identifiersAndNumbersAreNeverCut() {
        let lines = table().lines(width: 10)
        #expect(lines[1] == "billing  https…       12")
        #expect(lines[2] == "日本     https…     1204")
    }

    @Test func urlsGiveWayFirstAndNamesLast() {
        var table = Table([.name("ENDPOINT"), .url("URL"), .text("EVENTS")])
        let name = "customer-4711-orders-production-eu"
        table.add(name, "https://hooks.example.com/a/long/way", "order.paid, order.shipped")
        #expect(table.lines(width: 80)[1] == "\(name)  https://hooks.ex…  order.paid, order.shipped")
        #expect(table.lines(width: 60)[1] == "\(name)  https…  order.paid, ord…")
        // Its column gives way, but not the name: the rest of the row goes on in the next line.
        #expect(table.lines(width: 40).dropFirst() == [name, "                          https…  order…"])
    }

    @Test func namesAreNeverCut() {
        var table = Table([.identifier("ID"), .name("ENDPOINT"), .text("TYPE"), .name("LAST")])
        let name = String(repeating: "a-very-long-name-", count: 10)
        table.add("1", name, "order.paid", "x")
        table.add("2", "short", "order.paid", name)
        for width in [40, 80, 1000] {
            let lines = table.lines(width: width)
            #expect(lines.count == 4, "\(lines)")
            #expect(lines[1] == "1   \(name)")
            #expect(lines[2].hasPrefix("    ") && lines[2].hasSuffix("x"))
            #expect(lines[3].hasPrefix("2   short") && lines[3].hasSuffix(name))
        }
        // A few long names take nothing from what stands beside them.
        #expect(table.lines(width: 120)[3].contains("order.paid"))
    }

    @Test func cellsCannotBreakTheTable() {
        var table = Table([.text("A"), .text("B")])
        table.add("x\u{1b}[2J\ny", "z\tw\u{202e}")
        #expect(table.lines(width: 80)[1] == "x\\u{1b}[2J\\ny  z\\tw\\u{202e}")
        table.add(String(repeating: "x", count: 100_000))
        #expect(table.lines(width: 200_000)[2].count == Table.cellLimit + 1)
    }

    @Test func rowsMayBeRaggedOrMissing() {
        var table = Table([.text("A"), .number("B")])
        #expect(table.lines(width: 80) == ["A  B"])
        table.add("only")
        table.add("x", "1", "too many")
        #expect(table.lines(width: 80) == ["A     B", "only", "x     1"])
    }

    @Test(arguments: [
        ("", 0), ("abc", 3), ("é", 1), ("e\u{301}", 1), ("日本", 4), ("ｱ", 1), ("Ａ", 2), ("한", 2), ("🙂", 2),
        ("👩‍👩‍👧‍👦", 2), ("🇩🇪", 2), ("❤️", 2), ("\u{200b}", 0), ("…", 1), ("ไทย", 3), ("🏳️‍🌈", 2),
    ])
    func displayWidth(text: String, width: Int) {
        #expect(DisplayWidth.of(text) == width)
    }

    @Test(arguments: [
        ("abcdef", 6, "abcdef"), ("abcdef", 5, "abcd…"), ("日本語", 5, "日本…"), ("日本語", 4, "日…"), ("abc", 0, ""),
        ("abc", 1, "…"),
    ])
    func truncation(text: String, columns: Int, cut: String) {
        #expect(DisplayWidth.truncate(text, to: columns) == cut)
    }
}
