import org.apache.catalina.Lifecycle;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardContext;
import org.apache.catalina.startup.Tomcat;
import org.apache.coyote.http2.Http2Protocol;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.apache.tomcat.util.net.SSLHostConfigCertificate.Type;

/** Usage: TomcatServer CERT KEY FOLDER. Prints one line "H2C-PORT TLS-PORT". */
public class TomcatServer {
  public static void main(String[] args) throws Exception {
    Tomcat tomcat = new Tomcat();
    tomcat.setBaseDir(args[2]);
    StandardContext context = new StandardContext();
    context.setName("");
    context.setPath("");
    context.setIgnoreAnnotations(true); // their classes are in another jar, as for Tomcat's own listener of contexts
    context.addLifecycleListener(event -> {
      if (event.getType().equals(Lifecycle.CONFIGURE_START_EVENT)) context.setConfigured(true);
    });
    tomcat.getHost().addChild(context);
    Tomcat.addServlet(context, "answers", new Answers());
    context.addServletMappingDecoded("/*", "answers");
    Connector clear = connector();
    Connector secure = connector();
    SSLHostConfig tls = new SSLHostConfig();
    SSLHostConfigCertificate certificate = new SSLHostConfigCertificate(tls, Type.EC);
    certificate.setCertificateFile(args[0]);
    certificate.setCertificateKeyFile(args[1]);
    tls.addCertificate(certificate);
    secure.addSslHostConfig(tls);
    secure.setSecure(true);
    secure.setScheme("https");
    // With it, over TLS alone, uploads among other streams soon end in STREAM_CLOSED, or GOAWAY "Invalid frame type [DATA]".
    secure.setProperty("useAsyncIO", "false");
    secure.setProperty("SSLEnabled", "true");
    tomcat.getService().addConnector(clear);
    tomcat.getService().addConnector(secure);
    tomcat.start();
    System.out.println(clear.getLocalPort() + " " + secure.getLocalPort());
  }

  private static Connector connector() {
    Connector connector = new Connector();
    connector.setPort(0);
    connector.setProperty("address", "127.0.0.1");
    connector.setProperty("maxHttpHeaderSize", "262144");
    connector.setProperty("allowedTrailerHeaders", "x-checksum,x-large");
    connector.addUpgradeProtocol(new Http2Protocol());
    return connector;
  }
}
