package peer;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

import com.helger.collection.commons.CommonsArrayList;
import com.helger.collection.commons.ICommonsList;
import com.helger.http.header.HttpHeaderMap;
import com.helger.mime.CMimeType;
import com.helger.phase4.attachment.EAS4CompressionMode;
import com.helger.phase4.attachment.IAS4IncomingAttachmentFactory;
import com.helger.phase4.attachment.WSS4JAttachment;
import com.helger.phase4.crypto.AS4CryptoFactoryInMemoryKeyStore;
import com.helger.phase4.crypto.AS4SigningParams;
import com.helger.phase4.crypto.ECryptoAlgorithmSign;
import com.helger.phase4.crypto.ECryptoAlgorithmSignDigest;
import com.helger.phase4.error.AS4ErrorList;
import com.helger.phase4.incoming.AS4IncomingHandler;
import com.helger.phase4.incoming.AS4IncomingMessageMetadata;
import com.helger.phase4.incoming.AS4IncomingProfileSelectorConstant;
import com.helger.phase4.incoming.AS4IncomingReceiverConfiguration;
import com.helger.phase4.incoming.IAS4IncomingMessageState;
import com.helger.phase4.incoming.crypto.AS4IncomingSecurityConfiguration;
import com.helger.phase4.incoming.soap.SoapHeaderElementProcessorRegistry;
import com.helger.phase4.messaging.crypto.AS4Signer;
import com.helger.phase4.messaging.mime.AS4MimeMessageHelper;
import com.helger.phase4.mgr.AS4ManagerFactoryInMemory;
import com.helger.phase4.mgr.MetaAS4Manager;
import com.helger.phase4.model.EMEPBinding;
import com.helger.phase4.model.ESoapVersion;
import com.helger.phase4.model.message.AS4UserMessage;
import com.helger.phase4.model.message.MessageHelperMethods;
import com.helger.phase4.model.pmode.IPModeIDProvider;
import com.helger.phase4.model.pmode.PMode;
import com.helger.phase4.profile.AS4Profile;
import com.helger.phase4.util.AS4ResourceHelper;
import com.helger.scope.mgr.ScopeManager;

/**
 * phase4 in a warm virtual machine: builds signed, compressed messages and opens them again. Arguments: folder with
 * own.p12 (password "secret", alias "peer") and documents *.xml, and calls to warm up with. Orders on standard input,
 * "build N" or "open N"; answers: nanoseconds of this thread, and the octets that were packed or unpacked.
 */
public final class Phase4Bench {
  record Packed(String contentType, byte[] data) {
  }

  private static final AS4SigningParams SIGNING = AS4SigningParams.createDefault()
      .setAlgorithmSign(ECryptoAlgorithmSign.RSA_SHA_256)
      .setAlgorithmSignDigest(ECryptoAlgorithmSignDigest.DIGEST_SHA_256);
  private static AS4CryptoFactoryInMemoryKeyStore crypto;
  private static PMode pmode;

  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    char[] password = "secret".toCharArray();
    KeyStore own = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(folder.resolve("own.p12"))) {
      own.load(in, password);
    }
    KeyStore trust = KeyStore.getInstance("PKCS12");
    trust.load(null, null);
    trust.setCertificateEntry("own", own.getCertificate("peer"));
    crypto = new AS4CryptoFactoryInMemoryKeyStore(own, "peer", password, trust);
    java.util.logging.LogManager.getLogManager().reset(); // a remark of the signature library on every part
    ScopeManager.onGlobalBegin("bench");
    MetaAS4Manager.setFactory(new AS4ManagerFactoryInMemory());
    pmode = Phase4Peer.pmode(EMEPBinding.PUSH);
    pmode.getLeg1().getSecurity().disableEncryption();
    MetaAS4Manager.getProfileMgr().registerProfile(
        new AS4Profile("peer", "peer", () -> null, (a, b, c) -> pmode, IPModeIDProvider.DEFAULT_DYNAMIC, false, false));
    List<byte[]> documents = new ArrayList<>();
    try (var files = Files.list(folder)) {
      for (Path one : files.filter(p -> p.toString().endsWith(".xml")).sorted().toList()) {
        documents.add(Files.readAllBytes(one));
      }
    }
    List<Packed> messages = new ArrayList<>();
    for (byte[] one : documents) {
      messages.add(build(one));
    }
    Files.write(folder.resolve("built.bin"), messages.get(0).data());
    Files.writeString(folder.resolve("built.type"), messages.get(0).contentType());
    for (int warm = Integer.parseInt(args[1]); warm > 0; warm--) {
      open(build(documents.get(warm % documents.size())));
    }
    var clock = ManagementFactory.getThreadMXBean();
    System.out.println("ready");
    var orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = orders.readLine(); line != null; line = orders.readLine()) {
      String[] words = line.split(" ");
      int calls = Integer.parseInt(words[1]);
      long octets = 0;
      long start = clock.getCurrentThreadCpuTime();
      for (int number = 0; number < calls; number++) {
        int which = number % documents.size();
        if (words[0].equals("build")) {
          build(documents.get(which));
          octets += documents.get(which).length;
        } else {
          octets += open(messages.get(which)).length;
        }
      }
      System.out.println((clock.getCurrentThreadCpuTime() - start) + " " + octets);
    }
    System.exit(0);
  }

  static Packed build(byte[] data) throws Exception {
    try (AS4ResourceHelper resources = new AS4ResourceHelper()) {
      ICommonsList<WSS4JAttachment> attachments = new CommonsArrayList<>(WSS4JAttachment.createOutgoingFileAttachment(
          data, "message", null, CMimeType.APPLICATION_XML, EAS4CompressionMode.GZIP, StandardCharsets.UTF_8, resources));
      AS4UserMessage message = AS4UserMessage.create(
          MessageHelperMethods.createEbms3MessageInfo(MessageHelperMethods.createRandomMessageID(), null),
          MessageHelperMethods.createEbms3PayloadInfo(false, attachments),
          MessageHelperMethods.createEbms3CollaborationInfo(null, null, null, "tc1", "bdx:noprocess", "TC1Leg1", "case"),
          MessageHelperMethods.createEbms3PartyInfo(Phase4Peer.INITIATOR, Phase4Peer.PARTY_TYPE, "initiator",
              Phase4Peer.RESPONDER, Phase4Peer.PARTY_TYPE, "responder"),
          null, null, ESoapVersion.SOAP_12);
      message.setMustUnderstand(true);
      var signed = AS4Signer.createSignedMessage(crypto, message.getAsSoapDocument(null), ESoapVersion.SOAP_12,
          message.getMessagingID(), attachments, resources, true, SIGNING);
      var packed = AS4MimeMessageHelper.generateMimeMessage(ESoapVersion.SOAP_12, signed, attachments);
      String contentType = packed.getContentType();
      AS4MimeMessageHelper.forEachHeaderAndRemoveAfterwards(packed, (name, value) -> {
      }, false);
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      packed.writeTo(out);
      return new Packed(contentType, out.toByteArray());
    }
  }

  static byte[] open(Packed message) throws Exception {
    try (AS4ResourceHelper resources = new AS4ResourceHelper()) {
      var metadata = AS4IncomingMessageMetadata.createForRequest();
      HttpHeaderMap headers = new HttpHeaderMap();
      headers.addHeader("Content-Type", message.contentType().replaceAll("\\s+", " "));
      byte[][] found = new byte[1][];
      AS4IncomingHandler.parseAS4Message(IAS4IncomingAttachmentFactory.DEFAULT_INSTANCE, resources, metadata,
          new ByteArrayInputStream(message.data()), headers, (map, document, version, attachments) -> {
            var registry = SoapHeaderElementProcessorRegistry.createDefault(
                (id, service, action, from, to, agreement, address) -> pmode, crypto, crypto, pmode,
                AS4IncomingSecurityConfiguration.createDefaultInstance(), new AS4IncomingReceiverConfiguration());
            AS4ErrorList errors = new AS4ErrorList();
            IAS4IncomingMessageState state = AS4IncomingHandler.processEbmsMessage(resources, Locale.ENGLISH, registry,
                map, document, version, attachments, new AS4IncomingProfileSelectorConstant("peer", false), errors,
                metadata);
            if (!errors.isEmpty() || !state.isSoapSignatureChecked()) {
              throw new IllegalStateException("not accepted: " + errors);
            }
            try (InputStream in = state.getDecryptedAttachments().get(0).getSourceStream()) {
              found[0] = in.readAllBytes();
            } catch (java.io.IOException error) {
              throw new java.io.UncheckedIOException(error);
            }
          }, null);
      return found[0];
    }
  }

  private Phase4Bench() {
  }
}
