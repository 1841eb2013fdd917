import java.io.ByteArrayOutputStream;
import org.teavm.interop.Address;
import org.teavm.interop.Import;

/** What TeaVM's own System.in and System.exit do not do of WASI preview 1. */
final class Wasi {
    private static final int INPUT = 0;
    private static final int BUFFER_BYTES = 4_096;

    private Wasi() {}

    /** Standard input, but no more than one byte above the limit. */
    static byte[] read(int bytesMax) {
        byte[] buffer = new byte[BUFFER_BYTES];
        // An I/O vector: where and how much; then room for how much was read.
        int[] vector = new int[3];
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        while (all.size() <= bytesMax) {
            vector[0] = Address.ofData(buffer).toInt();
            vector[1] = Math.min(BUFFER_BYTES, bytesMax + 1 - all.size());
            Address place = Address.ofData(vector);
            if (fdRead(INPUT, place, 1, place.add(8)) != 0 || vector[2] == 0) {
                break;
            }
            all.write(buffer, 0, vector[2]);
        }
        return all.toByteArray();
    }

    static void exit(int code) {
        procExit(code);
    }

    @Import(module = "wasi_snapshot_preview1", name = "fd_read")
    private static native int fdRead(int stream, Address into, int count, Address read);

    @Import(module = "wasi_snapshot_preview1", name = "proc_exit")
    private static native void procExit(int code);
}
