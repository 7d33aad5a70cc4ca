/**
 * What a Mac's programs are known to print: from their manuals, from what other programs that read them expect, and from what
 * people have published. Nobody has taken these down on a Mac for d3: they are the contract its adapters are held to.
 */

/** One answer of one program. */
export interface Recording {
  /** The words it is called with; `*` stands for one word, whatever it is. */
  args: string[];
  stdout?: string;
  stderr?: string;
  code?: number;
  /** A line of shell run before it answers, `$1` and so on its words: what else it does. */
  does?: string;
}

const plist = (body: string) => `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
${body}
</plist>
`;

export const INSTALLED = `installer: Package name is Example
installer: Installing at base path /
installer:PHASE:Preparing for installation…
installer:STATUS:
installer:%0.000000
installer:PHASE:Preparing for installation…
installer:PHASE:Running package scripts…
installer:%84.876000
installer:%84.876000
installer:STATUS:Running installer actions…
installer:PHASE:Finishing the Installation…
installer:%100.000000
installer:PHASE:The software was successfully installed.
installer: The install was successful.
`;

/** The same of a Mac that speaks German. */
export const INSTALLED_IN_GERMAN = `installer: Paketname ist Example
installer:PHASE:Installation vorbereiten …
installer:%50.000000
installer:PHASE:Die Software wurde erfolgreich installiert.
installer: Die Installation war erfolgreich.
`;

export const FAILED = `installer: Package name is Example
installer:PHASE:Running package scripts…
installer:%100.000000
installer:PHASE:The Installer encountered an error.
installer: The install failed. (The Installer encountered an error that caused the installation to fail. Contact the software manufacturer for assistance.)
`;

/** @param location as the receipt has it: relative to the volume, empty or a slash for its top */
export const pkgInfo = (id: string, version: string, location: string) =>
  plist(`<dict>
	<key>install-location</key>
	<string>${location}</string>
	<key>install-time</key>
	<integer>1718000000</integer>
	<key>pkg-version</key>
	<string>${version}</string>
	<key>pkgid</key>
	<string>${id}</string>
	<key>receipt-plist-version</key>
	<real>1</real>
	<key>volume</key>
	<string>/</string>
</dict>`);

export const noReceipt = (id: string) => `No receipt for '${id}' found at '/'.\n`;

export const SIGNED = `Package "Example.pkg":
   Status: signed by a developer certificate issued by Apple for distribution
   Notarization: trusted by the Apple notary service
   Signed with a trusted timestamp on: 2024-02-03 04:05:06 +0000
   Certificate Chain:
    1. Developer ID Installer: Example (Europe) Ltd. (ABCDE12345)
       Expires: 2027-02-01 22:12:15 +0000
       SHA256 Fingerprint:
           0A 1B 2C 3D 4E 5F 60 71 82 93 A4 B5 C6 D7 E8 F9 0A 1B 2C 3D 4E 5F
           60 71 82 93 A4 B5 C6 D7 E8 F9
       ------------------------------------------------------------------------
    2. Developer ID Certification Authority
       Expires: 2027-02-01 22:12:15 +0000
       ------------------------------------------------------------------------
    3. Apple Root CA
       Expires: 2035-02-09 21:40:36 +0000
`;

export const UNSIGNED = `Package "Example.pkg":
   Status: no signature
`;

export const ASSESSED = `/private/Example.pkg: accepted
source=Notarized Developer ID
origin=Developer ID Installer: Example (Europe) Ltd. (ABCDE12345)
`;

export const REJECTED = `/private/Example.pkg: rejected
source=no usable signature
`;

export const EXPERT = plist(`<array>
	<dict>
		<key>IOClass</key>
		<string>IOPlatformExpertDevice</string>
		<key>IOPlatformSerialNumber</key>
		<string>C02XK1ABJG5H</string>
		<key>IOPlatformUUID</key>
		<string>8A6B7C8D-1234-5678-9ABC-DEF012345678</string>
		<key>manufacturer</key>
		<data>
		QXBwbGUgSW5jLgA=
		</data>
	</dict>
</array>`);

export const CONSOLE_USER = `<dictionary> {
  GID : 20
  Name : calvin
  SessionInfo : <array> {
    0 : <dictionary> {
      kCGSSessionAuditIDKey : 100004
      kCGSSessionUserNameKey : hobbes
      kSCSecuritySessionID : 100004
    }
  }
  UID : 501
}
`;

export const LOGIN_WINDOW = `<dictionary> {
  GID : 0
  Name : loginwindow
  UID : 0
}
`;

/** @param volume null: nothing of it could be mounted */
export const attached = (volume: string | null) =>
  plist(`<dict>
	<key>system-entities</key>
	<array>
		<dict>
			<key>content-hint</key>
			<string>GUID_partition_scheme</string>
			<key>dev-entry</key>
			<string>/dev/disk4</string>
			<key>potentially-mountable</key>
			<false/>
		</dict>
		<dict>
			<key>content-hint</key>
			<string>Apple_HFS</string>
			<key>dev-entry</key>
			<string>/dev/disk4s1</string>
			${volume === null ? '' : `<key>mount-point</key>\n\t\t\t<string>${volume}</string>`}
			<key>potentially-mountable</key>
			<true/>
		</dict>
	</array>
</dict>`);

/** `pmset -g batt`: of a laptop with and without its power supply, of a Mac without a battery, and of one on a UPS. */
export const PMSET = {
  plugged: `Now drawing from 'AC Power'
 -InternalBattery-0 (id=22347875)\t62%; charging; 1:12 remaining present: true
`,
  battery: `Now drawing from 'Battery Power'
 -InternalBattery-0 (id=22347875)\t43%; discharging; 2:51 remaining present: true
`,
  desktop: `Now drawing from 'AC Power'
`,
  ups: `Now drawing from 'AC Power'
 -UPS BX850U (id=19922944)\t100%; charged; 0:00 remaining present: true
`,
};

/** What `lsappinfo listen +becameFrontmost forever` prints when an app comes to the front, a line each. */
export const becameFrontmost = (asn: string, name: string) =>
  `Notification: kLSNotifyBecameFrontmost time=09/06/2021 19:23:46.696 dataRef={ "LSOtherASN"=ASN:0x0-0x9b09b:, "ApplicationType"="Foreground", "LSASN"=${asn}, "CFBundleIdentifier"="com.example.${name}" } affectedASN="${name}" ${asn} sessionID=186a5 notificationID=0x10c6\n`;

/** Of `lsappinfo info -only executablepath -only bundlepath ASN`. */
export const appInfo = (executable: string, bundle: string) =>
  `"CFBundleExecutablePath"="${executable}"\n"LSBundlePath"="${bundle}"\n`;
