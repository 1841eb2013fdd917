//! Adds two whole numbers given as JSON, through Nebulark's nine functions, as
//! ../README.md says. They stand here in the order in which the host calls them.
const std = @import("std");
const base64 = std.base64.standard;

const input_bytes_max = 65_536;
const output_bytes_max = 64;

/// First as it came, then as it is to leave.
var input_memory: [input_bytes_max]u8 = undefined;
var output_memory: [output_bytes_max]u8 = undefined;
var input: []u8 = &.{};
var output: []const u8 = &.{};
/// What decoding and reading may take beside.
var memory: [4 * input_bytes_max]u8 = undefined;
var decoded: []const u8 = &.{};
var sum: i64 = 0;

export fn nebulark_ion_spark_construct() i32 {
    input = &.{};
    output = &.{};
    return 0;
}

export fn nebulark_ion_spark_input_set_length(length: i32) i32 {
    if (length < 0 or length > input_bytes_max) return 1;
    input = input_memory[0..@intCast(length)];
    return 0;
}

export fn nebulark_ion_spark_input_set(index: i32, byte: i32) i32 {
    if (index < 0 or index >= input.len or byte < 0 or byte > 255) return 1;
    input[@intCast(index)] = @intCast(byte);
    return 0;
}

/// The input is there: reads the base64.
export fn nebulark_ion_spark_open() i32 {
    decoded = decode() catch return 1;
    return 0;
}

/// Does the work.
export fn nebulark_ion_spark_ignite() i32 {
    sum = add() catch return 1;
    return 0;
}

/// Makes the output ready to be fetched.
export fn nebulark_ion_spark_close() i32 {
    var text: [output_bytes_max / 4 * 3]u8 = undefined;
    const answer = std.fmt.bufPrint(&text, "{{\"sum\": {d}}}", .{sum}) catch return 1;
    output = base64.Encoder.encode(&output_memory, answer);
    return 0;
}

export fn nebulark_ion_spark_output_get_length() i32 {
    return @intCast(output.len);
}

/// A byte of the output; -1 where there is none.
export fn nebulark_ion_spark_output_get(index: i32) i32 {
    return if (index >= 0 and index < output.len) output[@intCast(index)] else -1;
}

export fn nebulark_ion_spark_deconstruct() i32 {
    return nebulark_ion_spark_construct();
}

fn decode() ![]const u8 {
    const into = memory[0..try base64.Decoder.calcSizeForSlice(input)];
    try base64.Decoder.decode(into, input);
    return into;
}

fn add() !i64 {
    var rest = std.heap.FixedBufferAllocator.init(memory[decoded.len..]);
    const options: std.json.ParseOptions = .{ .duplicate_field_behavior = .use_last };
    const parsed = try std.json.parseFromSliceLeaky(std.json.Value, rest.allocator(), decoded, options);
    return std.math.add(i64, try whole(parsed, "firstAddend"), try whole(parsed, "secondAddend"));
}

/// The member of that name, if it is a whole number of 64 bits.
fn whole(parsed: std.json.Value, name: []const u8) !i64 {
    if (parsed != .object) return error.NoObject;
    const value = parsed.object.get(name) orelse return error.NotThere;
    return if (value == .integer) value.integer else error.NotWhole;
}
