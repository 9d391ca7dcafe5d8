"""The zones in which a person of a country or state may be, as of the time zone database 2026f.

One zone stands for all of a place that have the same clock from now on.
"""

import re
from collections.abc import Iterator
from functools import cache

_ONE_ZONE = """
Africa: AO Luanda  BF Ouagadougou  BI Bujumbura  BJ Porto-Novo  BW Gaborone  CF Bangui
  CG Brazzaville  CI Abidjan  CM Douala  DJ Djibouti  DZ Algiers  EG Cairo  EH El_Aaiun  ER Asmara
  ET Addis_Ababa  GA Libreville  GH Accra  GM Banjul  GN Conakry  GQ Malabo  GW Bissau  KE Nairobi
  LR Monrovia  LS Maseru  LY Tripoli  MA Casablanca  ML Bamako  MR Nouakchott  MW Blantyre
  MZ Maputo  NA Windhoek  NE Niamey  NG Lagos  RW Kigali  SD Khartoum  SL Freetown  SN Dakar
  SO Mogadishu  SS Juba  ST Sao_Tome  SZ Mbabane  TD Ndjamena  TG Lome  TN Tunis  TZ Dar_es_Salaam
  UG Kampala  ZA Johannesburg  ZM Lusaka  ZW Harare
America: AG Antigua  AI Anguilla  AR Argentina/Buenos_Aires  AW Aruba  BB Barbados
  BL St_Barthelemy  BO La_Paz  BQ Kralendijk  BS Nassau  BZ Belize  CO Bogota  CR Costa_Rica
  CU Havana  CW Curacao  DM Dominica  DO Santo_Domingo  GD Grenada  GF Cayenne  GP Guadeloupe
  GT Guatemala  GY Guyana  HN Tegucigalpa  HT Port-au-Prince  JM Jamaica  KN St_Kitts  KY Cayman
  LC St_Lucia  MF Marigot  MQ Martinique  MS Montserrat  NI Managua  PA Panama  PE Lima  PM Miquelon
  PR Puerto_Rico  PY Asuncion  SR Paramaribo  SV El_Salvador  SX Lower_Princes  TC Grand_Turk
  TT Port_of_Spain  UY Montevideo  VC St_Vincent  VE Caracas  VG Tortola  VI St_Thomas
Arctic: SJ Longyearbyen
Asia: AE Dubai  AF Kabul  AM Yerevan  AZ Baku  BD Dhaka  BH Bahrain  BN Brunei  BT Thimphu
  CY Nicosia  GE Tbilisi  HK Hong_Kong  IL Jerusalem  IN Kolkata  IQ Baghdad  IR Tehran  JO Amman
  JP Tokyo  KG Bishkek  KH Phnom_Penh  KP Pyongyang  KR Seoul  KW Kuwait  KZ Almaty  LA Vientiane
  LB Beirut  LK Colombo  MM Yangon  MO Macau  MY Kuala_Lumpur  NP Kathmandu  OM Muscat  PH Manila
  PK Karachi  PS Gaza  QA Qatar  SA Riyadh  SG Singapore  SY Damascus  TH Bangkok  TJ Dushanbe
  TL Dili  TM Ashgabat  TW Taipei  UZ Samarkand  VN Ho_Chi_Minh  YE Aden
Atlantic: BM Bermuda  CV Cape_Verde  FK Stanley  FO Faroe  GS South_Georgia  IS Reykjavik
  SH St_Helena
Europe: AD Andorra  AL Tirane  AT Vienna  AX Mariehamn  BA Sarajevo  BE Brussels  BG Sofia  BY Minsk
  CH Zurich  CZ Prague  DE Berlin  DK Copenhagen  EE Tallinn  FI Helsinki  FR Paris  GB London
  GG Guernsey  GI Gibraltar  GR Athens  HR Zagreb  HU Budapest  IE Dublin  IM Isle_of_Man  IT Rome
  JE Jersey  LI Vaduz  LT Vilnius  LU Luxembourg  LV Riga  MC Monaco  MD Chisinau  ME Podgorica
  MK Skopje  MT Malta  NL Amsterdam  NO Oslo  PL Warsaw  RO Bucharest  RS Belgrade  SE Stockholm
  SI Ljubljana  SK Bratislava  SM San_Marino  TR Istanbul  VA Vatican
Indian: CC Cocos  CX Christmas  IO Chagos  KM Comoro  MG Antananarivo  MU Mauritius  MV Maldives
  RE Reunion  SC Mahe  TF Kerguelen  YT Mayotte
Pacific: AS Pago_Pago  CK Rarotonga  FJ Fiji  GU Guam  MH Majuro  MP Saipan  NC Noumea  NF Norfolk
  NR Nauru  NU Niue  PN Pitcairn  PW Palau  SB Guadalcanal  TK Fakaofo  TO Tongatapu  TV Funafuti
  VU Efate  WF Wallis  WS Apia
"""

_ZONES = """
AU: Australia/Lord_Howe Australia/Broken_Hill Australia/Sydney Australia/Brisbane Australia/Darwin
  Australia/Perth Australia/Eucla
AU-NSW: Australia/Sydney Australia/Lord_Howe Australia/Broken_Hill
AU-WA: Australia/Perth Australia/Eucla
BR: America/Noronha America/Sao_Paulo America/Manaus America/Rio_Branco
CA: America/St_Johns America/Halifax America/Blanc-Sablon America/Toronto America/Atikokan
  America/Winnipeg America/Regina America/Edmonton America/Vancouver America/Creston
CA-BC: America/Vancouver America/Edmonton America/Creston
CA-NL: America/St_Johns America/Halifax
CA-NU: America/Toronto America/Atikokan America/Winnipeg America/Edmonton
CA-ON: America/Toronto America/Atikokan America/Winnipeg
CA-QC: America/Toronto America/Halifax America/Blanc-Sablon
CA-SK: America/Regina America/Edmonton
CD: Africa/Kinshasa Africa/Lubumbashi
CL: America/Santiago America/Coyhaique Pacific/Easter
CN: Asia/Shanghai Asia/Urumqi
EC: America/Guayaquil Pacific/Galapagos
ES: Europe/Madrid Atlantic/Canary
FM: Pacific/Chuuk Pacific/Pohnpei
GL: America/Nuuk America/Danmarkshavn America/Thule
ID: Asia/Jakarta Asia/Makassar Asia/Jayapura
KI: Pacific/Tarawa Pacific/Kanton Pacific/Kiritimati
MN: Asia/Ulaanbaatar Asia/Hovd
MX: America/Mexico_City America/Cancun America/Matamoros America/Ciudad_Juarez America/Mazatlan
  America/Tijuana
NZ: Pacific/Auckland Pacific/Chatham
PF: Pacific/Tahiti Pacific/Marquesas Pacific/Gambier
PG: Pacific/Port_Moresby Pacific/Bougainville
PT: Europe/Lisbon Atlantic/Azores
RU: Europe/Kaliningrad Europe/Moscow Europe/Samara Asia/Yekaterinburg Asia/Omsk Asia/Novosibirsk
  Asia/Irkutsk Asia/Chita Asia/Vladivostok Asia/Magadan Asia/Kamchatka
UA: Europe/Kyiv Europe/Simferopol
US: America/New_York America/Chicago America/Denver America/Phoenix America/Los_Angeles
  America/Anchorage America/Adak Pacific/Honolulu
US-AK: America/Anchorage America/Adak
US-AZ: America/Phoenix America/Denver
US-ID: America/Boise America/Los_Angeles
US-NV: America/Los_Angeles America/Denver
US-OR: America/Los_Angeles America/Boise
"""

_PARTS_OF_ONE_CLOCK = """
US America/New_York: CT DC DE GA MA MD ME NC NH NJ NY OH PA RI SC VA VT WV
US America/Chicago: AL AR IA IL LA MN MO MS OK WI
US America/Denver: CO MT NM UT WY
US America/Los_Angeles: CA WA
US America/New_York America/Chicago: FL IN KY MI TN
US America/Chicago America/Denver: KS ND NE SD TX
US Pacific/Honolulu: HI
US Pacific/Guam: GU MP
US Pacific/Pago_Pago: AS
US America/Puerto_Rico: PR VI
CA America/Halifax: NB NS PE
CA America/Winnipeg: MB
CA America/Edmonton: AB NT
CA America/Whitehorse: YT
AU Australia/Sydney: ACT VIC TAS
AU Australia/Brisbane: QLD
AU Australia/Adelaide: SA
AU Australia/Darwin: NT
"""

_PLACE = re.compile(r"([A-Z]{2})(?:-[A-Z0-9]{1,3})?")


def zones_of(place: str) -> tuple[str, ...]:
    """Every zone where a person of ISO 3166 `place` may be; empty where it is not known.

    A part without an entry of its own, such as BR-SP, has all zones of its country.
    """
    wanted, zones = place.strip().upper(), _zones()
    return zones.get(wanted) or zones.get(wanted.partition("-")[0], ())


def known_place(place: str) -> bool:
    """Whether this is a country (US) or a part of one (US-CA), as ISO 3166 writes it.

    Parts are known by name for those countries whose laws or clocks differ by them.
    """
    found = _PLACE.fullmatch(place)
    if found is None or found[1] not in _zones():
        return False
    return place in _zones() or found[1] not in _COUNTRIES_OF_PARTS


_COUNTRIES_OF_PARTS = ("AU", "CA", "US")


@cache
def _zones() -> dict[str, tuple[str, ...]]:
    return dict((*_single(), *_several(), *_parts()))


_Entry = tuple[str, tuple[str, ...]]


def _single() -> Iterator[_Entry]:
    area = ""
    for word, following in _pairs(_ONE_ZONE):
        if word.endswith(":"):
            area = word[:-1]
        elif len(word) == 2 and word.isupper():  # noqa: PLR2004  # a country's code
            yield word, (f"{area}/{following}",)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    words = text.split()
    return zip(words, [*words[1:], ""], strict=True)


def _several() -> Iterator[_Entry]:
    for line in _ZONES.replace("\n  ", " ").strip().splitlines():
        place, _, zones = line.partition(":")
        yield place, tuple(zones.split())


def _parts() -> Iterator[_Entry]:
    for line in _PARTS_OF_ONE_CLOCK.strip().splitlines():
        clocks, _, parts = line.partition(":")
        country, *zones = clocks.split()
        for part in parts.split():
            yield f"{country}-{part}", tuple(zones)
