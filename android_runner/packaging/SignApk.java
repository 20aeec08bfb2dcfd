import com.android.apksig.ApkSigner;
import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;

/**
 * Aligns and signs a package (schemes v2 and v3): {@code SignApk IN OUT KEYSTORE PASSWORD MIN_SDK}.
 *
 * <p>Native libraries, which are stored, are aligned to 16 KiB, as Android 15 wants them.
 */
public final class SignApk {
  private static final int LIBRARY_ALIGNMENT_BYTES = 16 * 1024;

  public static void main(String[] arguments) throws Exception {
    char[] password = arguments[3].toCharArray();
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream stream = new FileInputStream(arguments[2])) {
      keys.load(stream, password);
    }
    String alias = keys.aliases().nextElement();
    ApkSigner.SignerConfig signer =
        new ApkSigner.SignerConfig.Builder(
                "ERSAM",
                (PrivateKey) keys.getKey(alias, password),
                List.of((X509Certificate) keys.getCertificate(alias)))
            .build();
    new ApkSigner.Builder(List.of(signer))
        .setInputApk(new File(arguments[0]))
        .setOutputApk(new File(arguments[1]))
        .setMinSdkVersion(Integer.parseInt(arguments[4]))
        .setAlignFileSize(false)
        .setLibraryPageAlignmentBytes(LIBRARY_ALIGNMENT_BYTES)
        .setV1SigningEnabled(false)
        .setV2SigningEnabled(true)
        .setV3SigningEnabled(true)
        .build()
        .sign();
  }
}
