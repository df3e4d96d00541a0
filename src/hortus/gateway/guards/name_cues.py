"""Words that stand beside names of people in the languages of Europe, and words that are never one. Data.

All but `TITLES` are folded as `folding.without_accents` does.
"""

from __future__ import annotations

from hortus.gateway.guards.folding import without_accents


def _folded(*words: str) -> frozenset[str]:
    return frozenset(without_accents(one) for group in words for one in group.split("/"))


TITLES = frozenset(
    [
        "Herr",
        "Herrn",
        "Frau",
        "Hr",
        "Fr",
        "Fräulein",
        "Dr",
        "Prof",
        "Ing",
        "Dipl",
        "Mag",
        "Mr",
        "Mrs",
        "Ms",
        "Miss",
        "Mister",
        "Madam",
        "Sir",
        "M",
        "Mme",
        "Mlle",
        "Monsieur",
        "Madame",
        "Mademoiselle",
        "Maître",
        "Dhr",
        "Mw",
        "Mevr",
        "Meneer",
        "Mevrouw",
        "Mevr",
        "Drs",
        "Sr",
        "Sra",
        "Srta",
        "Señor",
        "Señora",
        "Señorita",
        "Don",
        "Doña",
        "D",
        "Dña",
        "Sig",
        "Signor",
        "Signora",
        "Signore",
        "Sigra",
        "Dott",
        "Dottssa",
        "Dottoressa",
        "Dottor",
        "Avv",
        "Pan",
        "Pani",
        "Pana",
        "Panią",
        "Panem",
        "Panu",
        "Państwo",
        "Senhor",
        "Senhora",
        "Dra",
        "Herra",
        "Rouva",
        "Neiti",
        "Fru",
        "Fröken",
        "Frøken",
        "Herrar",
        "Pán",
        "Paní",
        "Slečna",
        "Bc",
        "Mgr",
        "MUDr",
        "JUDr",
        "Ing",
        "Gospod",
        "Gospa",
        "Gospodin",
        "Gospođa",
        "Gospođica",
        "Domnul",
        "Doamna",
        "Dl",
        "Dna",
        "Domnule",
        "Domnişoara",
        "Κύριος",
        "Κυρία",
        "Κος",
        "Κα",
        "Κύριε",
        "Κ",
        "Господин",
        "Госпожа",
        "Госпожица",
        "Härra",
        "Proua",
        "Preili",
        "Kungs",
        "Kundze",
        "Ponas",
        "Ponia",
        "Panelė",
        "Monsignor",
        "Sinjura",
        "Doktor",
        "Professor",
        "Professeur",
        "Docteur",
        "Doctor",
    ]
)
"""Before a name, as written with a capital; the point of an abbreviation left out."""

NEED_POINT = frozenset(["M", "D", "K", "Mag", "Fr", "Sig", "Ing", "Dipl", "Bc"])
"""Titles that without their point are something else."""

LOWER_TITLES = _folded(
    "señor/señora/señorita/don/doña/sr/sra/d/signor/signora/signore/sig/dott/dott.ssa/monsieur/madame/mademoiselle/mme/mlle/maître/pan/pani/pana/pania/panem/"
    "panu/panom/pana/paní/pán/slečna/slecne/meneer/mevrouw/dhr/mw/mevr/senhor/senhora/domnul/doamna/domnului/doamnei/dl/dna/d-na/d-nul/herra/rouva/herr/fru/"
    "fröken/frøken/hr/gospod/gospa/gospodin/gospođa/gospodina/gospođe/κύριος/κυρία/κύριο/κυρίας/κ/κα/κος/господин/госпожа/господина/härra/proua/ponas/ponia/"
    "kungs/kundze/dr/prof/doktor/herrn/frau"
)

GREETINGS = _folded(
    "hallo/hi/hey/hello/dear/liebe/lieber/servus/moin/grüezi/cher/chère/bonjour/salut/bonsoir/hola/querido/querida/estimado/estimada/ciao/caro/cara/gentile/"
    "buongiorno/salve/beste/geachte/hoi/dag/goedemorgen/hej/hei/heisann/kära/käre/kære/god morgon/moi/moikka/hyvä/terve/cześć/czesc/witaj/droga/drogi/szanowna/"
    "szanowny/ahoj/dobrý den/milá/milý/vážená/vážený/drahá/drahý/dobrý deň/kedves/szia/tisztelt/dragă/dragă/bună/stimată/stimate/salutare/olá/prezado/prezada/caro/"
    "cara/oi/γεια/γεια σου/αγαπητέ/αγαπητή/αξιότιμε/здравей/здравейте/скъпа/скъпи/уважаема/уважаеми/tere/kallis/lugupeetud/sveiki/sveika/labas/gerbiamas/gerbiama/"
    "zdravo/živjo/dragi/draga/spoštovani/spoštovana/poštovani/poštovana/bok/bongu/għażiż/a chara/halló/sæl/sæll/kæri"
)

INTRODUCTIONS = _folded(
    "my name is/name is/i am called/mein name ist/name ist/ich heisse/ich heiße/er heißt/sie heißt/namens/je m'appelle/je m’appelle/mon nom est/je me nomme/"
    "s'appelle/il s'appelle/elle s'appelle/me llamo/mi nombre es/se llama/a nombre de/llamado/llamada/mi chiamo/il mio nome è/si chiama/mijn naam is/ik heet/hij heet/"
    "zij heet/genaamd/jag heter/mitt namn är/hon heter/han heter/jeg hedder/mit navn er/jeg heter/navnet mitt er/hun heter/hun hedder/han hedder/nimeni on/olen nimeltäni/"
    "nazywam się/nazywam sie/mam na imię/na imię/meu nome é/o meu nome é/chamo-me/chamo me/chama-se/jmenuji se/jmenuju se/mé jméno je/jmenuje se/volám sa/moje meno je/"
    "a nevem/nevem/mă numesc/ma numesc/numele meu este/mă cheamă/με λένε/ονομάζομαι/λέγομαι/το όνομά μου είναι/казвам се/името ми е/minu nimi on/mani sauc/mans vārds ir/"
    "mano vardas/aš esu/moje ime je/zovem se/ime mi je/moj ime je/ég heiti/jisimni/is mise/called/signed by/γεια σου/undersigned/unterzeichnet von/signé par/firmado por/firmato da/"
    "contact person is/je soussigné/je soussignée/il sottoscritto/la sottoscritta/el abajo firmante/eu, abaixo assinado"
)

FIELDS = _folded(
    "vorname/nachname/familienname/geburtsname/vor und nachname/vor- und nachname/name vorname/patient/patientin/antragsteller/antragstellerin/versicherte/versicherter/"
    "ansprechpartner/ansprechpartnerin/sachbearbeiter/sachbearbeiterin/kontoinhaber/kontoinhaberin/karteninhaber/bewerber/bewerberin/mieter/mieterin/unterzeichner/"
    "prénom/nom de famille/nom et prénom/nom prénom/titulaire/demandeur/assuré/assurée/bénéficiaire/salarié/locataire/apellido/apellidos/primer apellido/segundo apellido/"
    "nombre y apellidos/titular/paciente/solicitante/interesado/cognome/nome e cognome/cognome e nome/intestatario/paziente/richiedente/imię/imie/nazwisko/imię i nazwisko/"
    "imie i nazwisko/pacjent/pacjentka/wnioskodawca/ubezpieczony/voornaam/achternaam/voornamen/voor en achternaam/naam patiënt/aanvrager/rekeninghouder/verzekerde/contactpersoon/"
    "förnamn/efternamn/för och efternamn/sökande/kontohavare/fornavn/efternavn/etternavn/ansøger/søker/pasient/kontaktperson/etunimi/sukunimi/etu ja sukunimi/hakija/potilas/asiakas/"
    "jméno/příjmení/jméno a příjmení/pacient/žadatel/zadatel/meno/priezvisko/meno a priezvisko/žiadateľ/nume și prenume/nume si prenume/prenume/titular cont/solicitant/"
    "vezetéknév/keresztnév/vezetéknév és keresztnév/páciens/ügyfél/kérelmező/όνομα/επώνυμο/ονοματεπώνυμο/αιτών/ασθενής/дикаши/име и фамилия/фамилия/пациент/заявител/nome completo/"
    "apelido/apelidos/requerente/utente/eesnimi/perekonnanimi/taotleja/patsient/vārds/uzvārds/vārds uzvārds/vardas/pavardė/vardas pavardė/pacientas/ime/priimek/ime in priimek/prezime/"
    "ime i prezime/podnositelj/pacijent/vlagatelj/first name/firstname/last name/lastname/surname/family name/given name/full name/maiden name/applicant/patient name/"
    "account holder/cardholder/card holder/contact person/employee/claimant/tenant/beneficiary/insured/nafn/fullt nafn/isem/kunjom/absender/empfänger/expéditeur/destinataire"
)
"""Labels after which one capitalised word is a name."""

FULL_NAME_FIELDS = _folded(
    "name/nom/nombre/nome/naam/namn/navn/nimi/nume/név/όνομα/име/from/von/de/van/od/fra/från/to/an/an frau/cc/an herrn/kunde/kundin/client/cliente/klient/klant/customer/kund/"
    "sender/recipient/author/autor/auteur/contact/kontakt/contacto/contatto/signature/unterschrift/signatár/owner/firma/hlásí/reporter/assignee/requester/caller/resident/citizen/"
    "mitarbeiter/mitarbeiterin/employé/medarbejder/anställd/lead"
)
"""Labels after which two capitalised words are, or a common given name."""

OTHER_LABELS = _folded(
    "file/user/company/product/domain/host/project/firm/brand/event/city/street/variable/class/function/table/column/tool/model/package/server/display/nick/datei/firmen/"
    "produkt/benutzer/stadt/fichier/produit/société/entreprise/rue/empresa/producto/archivo/usuario/azienda/prodotto/firmy/bedrijf/företag/firma/organisation/organization/"
    "institution/school/vessel/ship/medication/drug/bank/app/application/branch/repository/field/key/policy/route"
)
"""Before the word for a name: then it is no person's."""

VALEDICTIONS = _folded(
    "mit freundlichen grüßen/mit freundlichem gruß/freundliche grüße/viele grüße/liebe grüße/herzliche grüße/beste grüße/schöne grüße/hochachtungsvoll/mfg/vg/lg/gruß/"
    "best regards/kind regards/warm regards/regards/yours sincerely/yours faithfully/sincerely/best wishes/cheers/thanks/many thanks/thank you/best/cordialement/"
    "bien cordialement/bien à vous/salutations distinguées/meilleures salutations/sincères salutations/saludos/un saludo/saludos cordiales/atentamente/un cordial saludo/"
    "cordiali saluti/distinti saluti/saluti/un saluto/z poważaniem/pozdrawiam/z wyrazami szacunku/serdecznie pozdrawiam/met vriendelijke groet/met vriendelijke groeten/"
    "vriendelijke groet/groeten/hoogachtend/med vänliga hälsningar/vänliga hälsningar/mvh/hälsningar/med venlig hilsen/venlig hilsen/hilsen/med vennlig hilsen/vennlig hilsen/"
    "ystävällisin terveisin/terveisin/parhain terveisin/t/s pozdravem/se srdečným pozdravem/s úctou/s pozdravom/cu stimă/cu respect/o zi bună/toate cele bune/tisztelettel/"
    "üdvözlettel/köszönettel/με εκτίμηση/φιλικά/με τιμή/ευχαριστώ/с уважение/поздрави/atenciosamente/com os melhores cumprimentos/cumprimentos/com cumprimentos/obrigado/obrigada/"
    "lugupidamisega/parimate soovidega/ar cieņu/pagarbiai/lep pozdrav/s spoštovanjem/s poštovanjem/lijep pozdrav/le meas/virðingarfyllst/kveðja/tislijiet/merci/danke/gracias/grazie/"
    "bedankt/tack/kiitos/dziękuję/děkuji/mulțumesc/köszönöm/hochachtend/signed/unterschrift/signature/firma/podpis"
)

PARTICLES = frozenset(
    [
        "van",
        "von",
        "de",
        "der",
        "den",
        "da",
        "do",
        "dos",
        "das",
        "di",
        "del",
        "della",
        "dello",
        "dei",
        "la",
        "le",
        "les",
        "du",
        "ter",
        "ten",
        "te",
        "zu",
        "zur",
        "zum",
        "af",
        "av",
        "y",
        "e",
        "bin",
        "ibn",
        "el",
        "al",
        "ben",
        "op",
        "'t",
        "d'",
        "in",
    ]
)
"""Between the parts of a surname, in small letters."""

MACHINES = _folded(
    "world/chatgpt/gpt/assistant/copilot/gemini/siri/alexa/bot/ai/claude/mistral/llama/hortus/welt/monde/mundo/mondo/internet/forum/community"
)
"""Who is greeted and is nobody."""

NOT_NAMES = _folded(
    "street/road/avenue/lane/square/station/airport/hospital/university/college/school/church/museum/library/park/bridge/castle/island/river/lake/bay/county/city/hotel/"
    "strasse/straße/str/platz/weg/allee/gasse/ring/ufer/bahnhof/flughafen/krankenhaus/klinik/universität/hochschule/schule/kirche/stiftung/institut/gymnasium/brücke/"
    "gmbh/ag/kg/ohg/ug/ev/gbr/se/ltd/inc/llc/plc/corp/sa/sas/sarl/srl/spa/bv/nv/ab/oy/as/aps/kft/sro/doo/sp/zoo/co/group/gruppe/holding/bank/versicherung/insurance/"
    "rue/place/boulevard/quai/gare/hôpital/université/lycée/école/église/musée/fondation/calle/plaza/avenida/paseo/hospital/universidad/fundación/colegio/via/viale/piazza/"
    "corso/ospedale/università/scuola/fondazione/ulica/aleja/plac/szpital/uniwersytet/szkoła/straat/laan/plein/gracht/kade/ziekenhuis/universiteit/stichting/school/gatan/"
    "vägen/gade/vej/torv/sygehus/universitet/katu/tie/sairaala/yliopisto/rua/praça/hospital/universidade/fundação/náměstí/nemocnice/univerzita/škola/strada/bulevardul/"
    "ort/stadt/ville/ciudad/città/miasto/plaats/by/plz/city/place/country/land/pays/age/alter/âge/edad/status/state/type/typ/beruf/date/geburtsdatum/team/support/service/kundenservice/customer/kunde/kunden/kundin/client/cliente/klient/damen/herren/herr/frau/ladies/gentlemen/sir/madam/madame/monsieur/colleagues/"
    "kolleginnen/kollegen/all/alle/everyone/everybody/zusammen/there/collègues/tous/todos/todas/tutti/colleghi/allemaal/collega/collegas/alla/kaikki/wszyscy/państwo/"
    "monday/tuesday/wednesday/thursday/friday/saturday/sunday/montag/dienstag/mittwoch/donnerstag/freitag/samstag/sonntag/january/february/march/april/may/june/july/august/"
    "september/october/november/december/januar/februar/märz/mai/juni/juli/oktober/dezember/the/der/die/das/le/la/les/el/los/il/lo/de/het/and/und/et/y/e/en/och/og/ja/in/im/"
    "am/on/at/for/für/pour/para/per/this/that/i/ich/je/yo/io/ik/we/wir/nous/if/wenn/si/se/please/bitte/your/ihr/ihre/you/sie/today/heute/version/release/gmail/outlook/windows/"
    "linux/python/office/word/excel/server/union/democrats/democratic/party/music/award/awards/prize/preis/cup/open/day/tag/jour/data/api/contract/vertrag/rechnung/invoice/"
    "iban/bic/vat/ust/tel/fax/email/e-mail/mail/phone/mobile/address/adresse/name/datum/date/betreff/subject/re/fwd/wg/aw/kundennummer/steuer/nr/no/nummer/number/id/dni/nif/bsn/"
    "pesel/cpr/cnp/oib/nie/pps/nhs/egn/niss/avs/ahv/amka/afm/taj/emso/hetu/model/report/bericht/project/projekt/projet/proyecto/progetto/department/abteilung/service/agency/amt/"
    "ministry/ministerium/ministère/ministerio/ministero/commission/kommission/council/rat/parliament/committee/court/gericht/police/polizei/germany/deutschland/france/spain/españa/"
    "italy/italia/poland/polska/portugal/sweden/sverige/europe/europa/eu/us/usa/uk/berlin/paris/london/madrid/rome/wien/brussels/amsterdam"
)
"""Neither a surname after a given name nor a name after a greeting or a label."""
