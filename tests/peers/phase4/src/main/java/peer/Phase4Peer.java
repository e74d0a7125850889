package peer;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.concurrent.ConcurrentLinkedQueue;

import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.w3c.dom.Node;

import com.helger.base.state.ETriState;
import com.helger.collection.commons.CommonsArrayList;
import com.helger.collection.commons.ICommonsList;
import com.helger.http.EHttpMethod;
import com.helger.http.header.HttpHeaderMap;
import com.helger.mime.CMimeType;
import com.helger.phase4.attachment.AS4OutgoingAttachment;
import com.helger.phase4.attachment.EAS4CompressionMode;
import com.helger.phase4.attachment.WSS4JAttachment;
import com.helger.phase4.crypto.AS4CryptoFactoryInMemoryKeyStore;
import com.helger.phase4.crypto.ECryptoAlgorithmCrypt;
import com.helger.phase4.crypto.ECryptoAlgorithmSign;
import com.helger.phase4.crypto.ECryptoAlgorithmSignDigest;
import com.helger.phase4.ebms3header.Ebms3Error;
import com.helger.phase4.ebms3header.Ebms3SignalMessage;
import com.helger.phase4.ebms3header.Ebms3UserMessage;
import com.helger.phase4.error.AS4ErrorList;
import com.helger.phase4.incoming.AS4RequestHandler;
import com.helger.phase4.incoming.AS4ServerInitializer;
import com.helger.phase4.incoming.IAS4IncomingMessageMetadata;
import com.helger.phase4.incoming.IAS4IncomingMessageState;
import com.helger.phase4.incoming.spi.AS4MessageProcessorResult;
import com.helger.phase4.incoming.spi.AS4SignalMessageProcessorResult;
import com.helger.phase4.incoming.spi.IAS4IncomingMessageProcessorSPI;
import com.helger.phase4.incoming.spi.IAS4IncomingPullRequestProcessorSPI;
import com.helger.phase4.mgr.AS4ManagerFactoryInMemory;
import com.helger.phase4.mgr.MetaAS4Manager;
import com.helger.phase4.model.EMEP;
import com.helger.phase4.model.EMEPBinding;
import com.helger.phase4.model.ESoapVersion;
import com.helger.phase4.model.message.MessageHelperMethods;
import com.helger.phase4.model.mpc.MPC;
import com.helger.phase4.model.pmode.IPMode;
import com.helger.phase4.model.pmode.IPModeIDProvider;
import com.helger.phase4.model.pmode.PMode;
import com.helger.phase4.model.pmode.PModeParty;
import com.helger.phase4.model.pmode.PModeReceptionAwareness;
import com.helger.phase4.model.pmode.leg.EPModeSendReceiptReplyPattern;
import com.helger.phase4.model.pmode.leg.PModeLeg;
import com.helger.phase4.model.pmode.leg.PModeLegBusinessInformation;
import com.helger.phase4.model.pmode.leg.PModeLegProtocol;
import com.helger.phase4.model.pmode.leg.PModeLegSecurity;
import com.helger.phase4.profile.AS4Profile;
import com.helger.phase4.sender.AS4Sender;
import com.helger.phase4.sender.EAS4UserMessageSendResult;
import com.helger.phase4.servlet.AS4UnifiedResponse;
import com.helger.phase4.servlet.AS4XServletHandler;
import com.helger.phase4.servlet.IAS4ServletRequestHandlerCustomizer;
import com.helger.phase4.util.AS4ResourceHelper;
import com.helger.phase4.wss.EWSSVersion;
import com.helger.web.scope.IRequestWebScopeWithoutResponse;
import com.helger.web.scope.mgr.WebScopeManager;
import com.helger.xservlet.AbstractXServlet;

import jakarta.servlet.ServletContextEvent;
import jakarta.servlet.ServletContextListener;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

/**
 * phase4 as the other side of an exchange on loopback. Arguments: folder with own.p12 and other.crt, password of the
 * key, alias. Prints the port. POST /as4 is phase4; /control/* are the test's orders; what comes in is written to
 * received/.
 */
public final class Phase4Peer {
  static final String PARTY_TYPE = "urn:oasis:names:tc:ebcore:partyid-type:unregistered";
  static final String INITIATOR = "http://docs.oasis-open.org/ebxml-msg/ebms/v3.0/ns/core/200704/initiator";
  static final String RESPONDER = "http://docs.oasis-open.org/ebxml-msg/ebms/v3.0/ns/core/200704/responder";
  static final ConcurrentLinkedQueue<String> TO_PULL = new ConcurrentLinkedQueue<>();
  static Path folder;
  static AS4CryptoFactoryInMemoryKeyStore crypto;
  static X509Certificate other;

  public static void main(String[] args) throws Exception {
    folder = Path.of(args[0]);
    Files.createDirectories(folder.resolve("received"));
    char[] password = args[1].toCharArray();
    KeyStore own = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(folder.resolve("own.p12"))) {
      own.load(in, password);
    }
    try (InputStream in = Files.newInputStream(folder.resolve("other.crt"))) {
      other = (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
    }
    KeyStore trust = KeyStore.getInstance("PKCS12");
    trust.load(null, null);
    trust.setCertificateEntry("other", other);
    crypto = new AS4CryptoFactoryInMemoryKeyStore(own, args[2], password, trust);
    Server server = new Server();
    ServerConnector connector = new ServerConnector(server);
    connector.setHost("127.0.0.1");
    server.addConnector(connector);
    ServletContextHandler context = new ServletContextHandler("/");
    context.addEventListener(new Scopes());
    context.addServlet(new ServletHolder("as4", Door.class), "/as4");
    context.addServlet(new ServletHolder(new Control()), "/control/*");
    server.setHandler(context);
    server.start();
    System.out.println("port " + connector.getLocalPort());
    System.out.flush();
    System.in.read(); // the test closes the pipe to end this process
    server.stop();
    System.exit(0);
  }

  static final class Scopes implements ServletContextListener {
    @Override
    public void contextInitialized(ServletContextEvent event) {
      WebScopeManager.onGlobalBegin(event.getServletContext());
      MetaAS4Manager.setFactory(new AS4ManagerFactoryInMemory());
      AS4Profile profile = new AS4Profile("peer", "peer", () -> null, (a, b, c) -> pmode(EMEPBinding.PUSH),
          IPModeIDProvider.DEFAULT_DYNAMIC, false, false);
      MetaAS4Manager.getProfileMgr().registerProfile(profile);
      MetaAS4Manager.getMPCMgr().createMPC(new MPC(System.getProperty("peer.mpc")));
      AS4ServerInitializer.initAS4Server();
    }
  }

  static PMode pmode(EMEPBinding binding) {
    PModeLegSecurity security = new PModeLegSecurity();
    security.setWSSVersion(EWSSVersion.WSS_111);
    security.setX509SignatureAlgorithm(ECryptoAlgorithmSign.RSA_SHA_256);
    security.setX509SignatureHashFunction(ECryptoAlgorithmSignDigest.DIGEST_SHA_256);
    security.setX509EncryptionAlgorithm(ECryptoAlgorithmCrypt.AES_128_GCM);
    security.setX509EncryptionMinimumStrength(128);
    security.setPModeAuthorize(false);
    security.setSendReceipt(true);
    security.setSendReceiptNonRepudiation(true);
    security.setSendReceiptReplyPattern(EPModeSendReceiptReplyPattern.RESPONSE);
    PModeLegBusinessInformation business =
        new PModeLegBusinessInformation("bdx:noprocess", "tc1", "TC1Leg1", null, null, null, null);
    PModeLeg leg = new PModeLeg(
        new PModeLegProtocol("http://127.0.0.1", ESoapVersion.SOAP_12), business, null, null, security);
    PModeReceptionAwareness awareness = new PModeReceptionAwareness(
        ETriState.TRUE, ETriState.TRUE, 1, 1000L, ETriState.TRUE);
    return new PMode("peer-" + binding.getID(),
        new PModeParty(PARTY_TYPE, "initiator", INITIATOR, null, null),
        new PModeParty(PARTY_TYPE, "responder", RESPONDER, null, null),
        null, EMEP.ONE_WAY, binding, leg, null, null, awareness);
  }

  /** phase4's servlet with our key, our trust and our collector. */
  public static final class Door extends AbstractXServlet {
    public Door() {
      AS4XServletHandler handler = new AS4XServletHandler();
      handler.setRequestHandlerCustomizer(new IAS4ServletRequestHandlerCustomizer() {
        @Override
        public void customizeBeforeHandling(IRequestWebScopeWithoutResponse scope, AS4UnifiedResponse response,
            AS4RequestHandler request) {
          request.setCryptoFactory(crypto);
          request.setPModeResolver((id, service, action, from, to, agreement, address) -> pmode(EMEPBinding.PUSH));
          request.setProcessorSupplier(() -> new CommonsArrayList<>(new Collector()));
        }

        @Override
        public void customizeAfterHandling(IRequestWebScopeWithoutResponse scope, AS4UnifiedResponse response,
            AS4RequestHandler request) {
          // nothing to do
        }
      });
      settings().setMultipartEnabled(false);
      handlerRegistry().registerHandler(EHttpMethod.POST, handler);
    }
  }

  static void write(String messageId, ICommonsList<WSS4JAttachment> attachments) {
    try {
      int number = 0;
      Path target = Files.createDirectories(folder.resolve("received").resolve(messageId.replaceAll("[^A-Za-z0-9.-]", "_")));
      for (WSS4JAttachment one : attachments) {
        try (InputStream in = one.getSourceStream()) {
          Files.write(target.resolve("part-" + number++), in.readAllBytes());
        }
      }
      Files.writeString(target.resolve("complete"), String.valueOf(number));
    } catch (IOException error) {
      throw new java.io.UncheckedIOException(error);
    }
  }

  /** Writes what came in, and hands out what waits to be pulled. */
  public static final class Collector implements IAS4IncomingMessageProcessorSPI {
    @Override
    public AS4MessageProcessorResult processAS4UserMessage(IAS4IncomingMessageMetadata metadata, HttpHeaderMap headers,
        Ebms3UserMessage message, IPMode pmode, Node payload, ICommonsList<WSS4JAttachment> attachments,
        IAS4IncomingMessageState state, AS4ErrorList errors) {
      write(message.getMessageInfo().getMessageId(), attachments);
      return AS4MessageProcessorResult.createSuccess();
    }

    @Override
    public AS4SignalMessageProcessorResult processAS4SignalMessage(IAS4IncomingMessageMetadata metadata,
        HttpHeaderMap headers, Ebms3SignalMessage signal, IPMode pmode, IAS4IncomingMessageState state,
        AS4ErrorList errors) {
      try {
        String mark = signal.getPullRequest() != null ? "pulled" : signal.getReceipt() != null ? "receipt" : "error";
        Files.writeString(folder.resolve("received").resolve(
            mark + "-" + signal.getMessageInfo().getMessageId().replaceAll("[^A-Za-z0-9.-]", "_")),
            String.valueOf(signal.getMessageInfo().getRefToMessageId()));
        if (signal.getPullRequest() == null) {
          return AS4SignalMessageProcessorResult.createSuccess();
        }
        String text = TO_PULL.poll();
        if (text == null) {
          return AS4SignalMessageProcessorResult.createFailure();
        }
        return handOut(text);
      } catch (IOException error) {
        throw new java.io.UncheckedIOException(error);
      }
    }

    private AS4SignalMessageProcessorResult handOut(String text) throws IOException {
      String[] fields = text.split("\n", 4); // message id, from, to, payload
      AS4ResourceHelper resources = new AS4ResourceHelper();
      WSS4JAttachment attachment = WSS4JAttachment.createOutgoingFileAttachment(
          fields[3].getBytes(StandardCharsets.UTF_8), "message", null, CMimeType.APPLICATION_XML,
          EAS4CompressionMode.GZIP, StandardCharsets.UTF_8, resources);
      ICommonsList<WSS4JAttachment> attachments = new CommonsArrayList<>(attachment);
      Ebms3UserMessage message = new Ebms3UserMessage();
      message.setMessageInfo(MessageHelperMethods.createEbms3MessageInfo(fields[0], null));
      message.setPayloadInfo(MessageHelperMethods.createEbms3PayloadInfo(false, attachments));
      message.setCollaborationInfo(MessageHelperMethods.createEbms3CollaborationInfo(
          null, null, null, "tc1", "bdx:noprocess", "TC1Leg1", "conversation"));
      message.setPartyInfo(MessageHelperMethods.createEbms3PartyInfo(
          INITIATOR, PARTY_TYPE, fields[1], RESPONDER, PARTY_TYPE, fields[2]));
      return AS4SignalMessageProcessorResult.createSuccess(attachments, null, message);
    }

    @Override
    public void processAS4ResponseMessage(IAS4IncomingMessageMetadata metadata, IAS4IncomingMessageState state,
        String messageId, byte[] bytes, boolean payload, AS4ErrorList errors) {
      // nothing to do
    }
  }

  /** Every pull request is answered under the pull mode. */
  public static final class Pulls implements IAS4IncomingPullRequestProcessorSPI {
    @Override
    public IPMode findPMode(Ebms3SignalMessage signal) {
      return pmode(EMEPBinding.PULL);
    }
  }

  /** The test's orders: send, pull, offer. Parameters in the query, payload in the body, outcome as text. */
  static final class Control extends HttpServlet {
    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
      byte[] body = request.getInputStream().readAllBytes();
      String outcome;
      try {
        outcome = switch (request.getPathInfo()) {
          case "/send" -> send(request, body);
          case "/pull" -> pull(request);
          case "/offer" -> offer(body);
          default -> "unknown order";
        };
      } catch (Exception error) {
        outcome = "failed: " + error;
      }
      response.setContentType("text/plain;charset=utf-8");
      response.getWriter().write(outcome);
    }

    private String offer(byte[] body) {
      TO_PULL.add(new String(body, StandardCharsets.UTF_8));
      return "offered";
    }

    private String send(HttpServletRequest request, byte[] body) {
      StringBuilder signals = new StringBuilder();
      PMode agreed = pmode(EMEPBinding.PUSH);
      boolean clear = "false".equals(request.getParameter("encrypt"));
      if (clear) {
        agreed.getLeg1().getSecurity().disableEncryption();
      }
      var builder = AS4Sender.builderUserMessage()
          .cryptoFactory(crypto)
          .pmode(agreed)
          .pmodeResolver((id, service, action, from, to, agreement, address) -> agreed)
          .as4ProfileID("peer")
          .soapVersion(ESoapVersion.SOAP_12)
          .messageID(request.getParameter("id"))
          .conversationID("conversation")
          .service("tc1", "bdx:noprocess")
          .action("TC1Leg1")
          .fromPartyIDType(PARTY_TYPE).fromPartyID(request.getParameter("from")).fromRole(INITIATOR)
          .toPartyIDType(PARTY_TYPE).toPartyID(request.getParameter("to")).toRole(RESPONDER)
          .endpointURL(request.getParameter("url"))
          .withSigningParams(p -> p.setAlgorithmSign(ECryptoAlgorithmSign.RSA_SHA_256)
              .setAlgorithmSignDigest(ECryptoAlgorithmSignDigest.DIGEST_SHA_256))
          .signalMsgConsumer((signal, metadata, state) -> {
            if (signal.getReceipt() != null) {
              signals.append("receipt ").append(signal.getMessageInfo().getRefToMessageId()).append('\n');
            }
            for (Ebms3Error one : signal.getError()) {
              signals.append("error ").append(one.getErrorCode()).append('\n');
            }
          })
          .payload(AS4OutgoingAttachment.builder().data(body).contentID("message").mimeTypeXML().compressionGZIP());
      if (!clear) {
        builder.receiverCertificate(other);
        builder.withCryptParams(p -> p.setAlgorithmCrypt(ECryptoAlgorithmCrypt.AES_128_GCM).setCertificate(other));
      }
      StringBuilder trouble = new StringBuilder();
      EAS4UserMessageSendResult result = builder.sendMessageAndCheckForReceipt(e -> {
        for (Throwable one = e; one != null; one = one.getCause()) {
          trouble.append(one).append('\n');
        }
      });
      return result.name() + "\n" + signals + trouble;
    }

    private String pull(HttpServletRequest request) throws Exception {
      StringBuilder got = new StringBuilder();
      var result = AS4Sender.builderPullRequest()
          .cryptoFactory(crypto)
          .pmode(pmode(EMEPBinding.PULL))
          .pmodeResolver((id, service, action, from, to, agreement, address) -> pmode(EMEPBinding.PULL))
          .as4ProfileID("peer")
          .soapVersion(ESoapVersion.SOAP_12)
          .mpc(request.getParameter("mpc"))
          .endpointURL(request.getParameter("url"))
          .withSigningParams(p -> p.setAlgorithmSign(ECryptoAlgorithmSign.RSA_SHA_256)
              .setAlgorithmSignDigest(ECryptoAlgorithmSignDigest.DIGEST_SHA_256))
          .userMsgConsumer((message, metadata, state) -> {
            write(message.getMessageInfo().getMessageId(), state.getDecryptedAttachments());
            got.append("message ").append(message.getMessageInfo().getMessageId()).append('\n');
          })
          .signalMsgConsumer((signal, metadata, state) -> {
            for (Ebms3Error one : signal.getError()) {
              got.append("error ").append(one.getErrorCode()).append('\n');
            }
          })
          .sendMessage();
      return (result.isSuccess() ? "SUCCESS" : "FAILURE") + "\n" + got;
    }
  }

  private Phase4Peer() {
  }
}
