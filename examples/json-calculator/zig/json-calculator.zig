//! Adds two whole numbers given as JSON, as ../README.md says.
const std = @import("std");
const wasi = std.os.wasi;

const input_bytes_max = 65_536;
/// What reading may take beside the input.
const memory_bytes = 1 << 20;

const Refusal = error{ Unreadable, TooLong, NoObject, NotThere, NotWhole, TooLarge };

pub fn main() u8 {
    const sum = add() catch |why| {
        write(2, "json-calculator: ");
        write(2, switch (why) {
            error.Unreadable => "standard input cannot be read",
            error.TooLong => "the input is longer than 65536 bytes",
            error.NoObject => "the input is not a JSON object",
            error.NotThere => "`firstAddend` and `secondAddend` must both be there",
            error.NotWhole => "`firstAddend` and `secondAddend` must be whole numbers of 64 bits",
            error.TooLarge => "the sum does not fit into 64 bits",
        });
        write(2, "\n");
        return 1;
    };
    var text: [32]u8 = undefined;
    write(1, std.fmt.bufPrint(&text, "{{\"sum\": {d}}}\n", .{sum}) catch unreachable);
    return 0;
}

fn add() Refusal!i64 {
    const Static = struct {
        var memory: [memory_bytes]u8 = undefined;
    };
    var memory = std.heap.FixedBufferAllocator.init(&Static.memory);
    const text = try read();
    const options: std.json.ParseOptions = .{ .duplicate_field_behavior = .use_last };
    const parsed = std.json.parseFromSliceLeaky(std.json.Value, memory.allocator(), text, options) catch
        return error.NoObject;
    const members = switch (parsed) {
        .object => |object| object,
        else => return error.NoObject,
    };
    const first = members.get("firstAddend") orelse return error.NotThere;
    const second = members.get("secondAddend") orelse return error.NotThere;
    return std.math.add(i64, try whole(first), try whole(second)) catch error.TooLarge;
}

fn whole(value: std.json.Value) Refusal!i64 {
    return switch (value) {
        .integer => |number| number,
        else => error.NotWhole,
    };
}

/// All of standard input.
fn read() Refusal![]const u8 {
    const Static = struct {
        var text: [input_bytes_max + 1]u8 = undefined;
    };
    var length: usize = 0;
    while (length < Static.text.len) {
        const rest = Static.text[length..];
        var into = [_]wasi.iovec_t{.{ .base = rest.ptr, .len = rest.len }};
        var count: usize = 0;
        if (wasi.fd_read(0, &into, 1, &count) != .SUCCESS) return error.Unreadable;
        if (count == 0) return Static.text[0..length];
        length += count;
    }
    return error.TooLong;
}

fn write(stream: wasi.fd_t, text: []const u8) void {
    var rest = text;
    while (rest.len > 0) {
        var from = [_]wasi.ciovec_t{.{ .base = rest.ptr, .len = rest.len }};
        var count: usize = 0;
        if (wasi.fd_write(stream, &from, 1, &count) != .SUCCESS) return;
        rest = rest[count..];
    }
}
