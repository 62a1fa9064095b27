test-mode = Mode uji coba.
test-mode-means = Tidak ada uang sungguhan yang berpindah.
secured-by = Diamankan oleh Tollgate
language = Bahasa

your-payment = Pembayaran Anda
pay-to = Pembayaran kepada
product = Untuk
order = Pesanan
card = Kartu
bank = Bank
wallet = Dompet digital
amount = Jumlah
upi-id = ID UPI
card-ending = kartu berakhiran { $digits }
title = { $heading } – { $merchant }
working = Sebentar…
time-left = Sisa waktu
time-left-spoken = Sisa { $time } untuk menyelesaikan pembayaran
finish-in-seconds = { $number ->
   *[other] Selesaikan dalam { $number } detik, sebelum { $until }
}
finish-in-minutes = { $number ->
   *[other] Selesaikan dalam { $number } menit, sebelum { $until }
}
cancel = Batalkan pembayaran
waiting = Menunggu persetujuan Anda
check-now = Periksa sekarang
try-again = Coba lagi
return-to = Kembali ke { $merchant }
continue-payment = Lanjutkan pembayaran
goes-on = Halaman ini akan beralih sendiri ke { $merchant } begitu bank menjawab.

challenge-heading = Konfirmasikan bahwa ini Anda
code-sent = { $bank } mengirim kode sekali pakai ke { $address }. Masukkan kode itu untuk menyetujui pembayaran ini.
code-label = Kode sekali pakai
code-help = Ketik atau tempel kodenya. Spasi tidak berpengaruh.
code-form = Hanya angka
code-missing = Masukkan kode dari bank Anda. Kesempatan Anda tidak berkurang.
code-wrong = Kode itu tidak benar. { tries-left }.
tries-left = { $number ->
   *[other] Sisa { $number } kesempatan
}
bank-unavailable = Bank Anda tidak menjawab. Tidak ada yang hilang: tunggu sebentar, lalu masukkan kodenya lagi.
code-resend = Kirim kode baru
code-resends-left = { $number ->
   *[other] { $number } kode baru masih bisa dikirim
}
code-resends-none = Tidak ada kode lagi yang bisa dikirim untuk pembayaran ini.
code-resent = Kode baru sedang dikirim. Gunakan kode yang terbaru.
pay = Bayar { $amount }
challenge-next = Setelah bank Anda setuju, Anda kembali ke { $merchant }. Jika Anda membatalkan, tidak ada uang yang diambil.

confirming-heading = Mengonfirmasi dengan bank
confirming-text = Jawaban Anda sudah kami terima, dan kami sedang menanyakan hasilnya kepada bank.
confirming-do-not = Jangan membayar lagi: pembayaran ini dihitung satu kali, apa pun yang terjadi pada halaman ini.

pick-bank-heading = Pilih bank Anda
pick-bank-text = Anda mengonfirmasi pembayaran di halaman bank Anda sendiri.
pick-bank-search = Cari bank Anda
pick-wallet-heading = Pilih dompet digital Anda
pick-wallet-text = Anda mengonfirmasi pembayaran di dompet digital Anda.
pick-wallet-search = Cari dompet digital Anda
pick-search = Cari
pick-common = Sering dipakai
pick-others = Semua yang lain, A sampai Z
pick-tests = Kasus uji
pick-found = Ditemukan
pick-count = Hasil: { $number }
pick-none = Tidak ada yang cocok dengan pencarian Anda
pick-none-advice = Periksa ejaannya, coba kata yang lebih pendek, atau tampilkan seluruh daftar.
pick-show-all = Tampilkan seluruh daftar
pick-empty = Saat ini tidak ada pilihan
pick-empty-advice = Coba lagi sebentar lagi, atau kembali ke toko dan bayar dengan cara lain.

handover-heading = Lanjut ke { $bank }
handover-text = Anda mengonfirmasi pembayaran di sana, lalu kembali ke { $merchant }.
handover-host = Anda akan berada di
handover-button = Lanjut ke { $bank }
handover-next = Jika tidak terjadi apa-apa dalam beberapa detik, tekan tombolnya.

upi-wait-heading = Setujui di aplikasi UPI Anda
upi-wait-text = Permintaan pembayaran telah dikirim ke { $address }.
upi-wait-open = Buka aplikasi UPI yang memakai alamat ini.
upi-wait-find = Cari permintaan dari { $merchant } sebesar { $amount }.
upi-wait-approve = Setujui dengan PIN UPI Anda.
upi-pin = Masukkan PIN UPI Anda hanya di aplikasi UPI Anda. Kami tidak pernah memintanya.

upi-qr-heading = Bayar dengan aplikasi UPI
upi-qr-text = Pindai kode dengan aplikasi UPI mana pun.
upi-qr-text-phone = Jumlah dan penerima sudah terisi.
upi-qr-open = Buka aplikasi UPI
upi-qr-picture = Kode QR pembayaran ini
upi-qr-scan = Pilih “Pindai” di aplikasi UPI, lalu arahkan kamera ke kode.
upi-qr-check = Pastikan penerima dan jumlahnya sama dengan yang tampil di sini.
upi-qr-confirm = Konfirmasikan dengan PIN UPI Anda.
upi-qr-show = Pindai dengan ponsel lain saja
upi-qr-replaced = Anda mendapat kode, bukan permintaan di aplikasi: permintaan tagihan UPI telah dihentikan untuk sebagian besar pedagang.

at-bank-heading = Menunggu { $bank }
at-bank-text = { $bank } belum memberi tahu kami bagaimana akhir pembayaran ini.
at-bank-unfinished = Belum mengonfirmasi? Kembali dan selesaikan di sana. Sudah mengonfirmasi? Tunggu saja di sini.
at-bank-button = Kembali ke { $bank }
at-bank-cancel = Batalkan hanya jika Anda belum mengonfirmasi pembayaran di bank Anda.

sandbox-heading = Setujui pembayaran ini?
sandbox-bank = Bank uji coba
sandbox-wallet = Dompet digital uji coba
sandbox-upi = Aplikasi UPI uji coba
sandbox-issuer = Penerbit kartu uji coba
sandbox-role = Ini lingkungan uji coba, bukan { $bank }. Berperanlah sebagai nasabah, dan pilih bagaimana pembayaran ini berakhir.
sandbox-approve = Setujui
sandbox-decline = Tolak
sandbox-cancel = Batalkan dan kembali
sandbox-state = Order
sandbox-state-open = Terbuka
sandbox-state-paid = Lunas
sandbox-state-refused = Ditolak
sandbox-state-closed = Ditutup
sandbox-state-unknown = Tidak dikenal
sandbox-paid-text = Order ini disetujui di sini. Order ini tidak bisa dibayar dua kali.
sandbox-refused-text = Order ini ditolak di sini.
sandbox-closed-heading = Order ditutup
sandbox-closed-text = Toko tidak lagi menunggu order ini. Tidak ada lagi yang bisa disetujui.
sandbox-unknown-heading = Kami tidak mengenal order ini
sandbox-unknown-text = Lingkungan uji coba tidak memiliki order dengan nomor pada alamat ini.
sandbox-back = Kembali ke pembayaran

result = Hasil
transaction = Transaksi
time = Waktu
bank-reference = Referensi bank
descriptor = Di rekening koran Anda

approved-heading = Pembayaran disetujui
approved-text = Terima kasih. Anda bisa kembali ke toko sekarang.
refunding-heading = Pengembalian dana diproses
refunding-text = Anda sudah membayar, dan toko telah meminta bank mengembalikan uang.
partly-refunded-heading = Dikembalikan sebagian
partly-refunded-text = Anda sudah membayar, dan toko telah mengembalikan sebagian. Kapan muncul di rekening koran tergantung bank Anda.
refunded-heading = Pembayaran dikembalikan
refunded-text = Anda sudah membayar, dan toko telah mengembalikan seluruhnya. Kapan muncul di rekening koran tergantung bank Anda.
reversed-heading = Pembayaran dibalikkan
reversed-text = Tidak ada uang yang diambil. Jika bank Anda menampilkan jumlah itu sebagai ditahan, bank akan melepasnya.
declined-heading = Pembayaran ditolak
declined-text = Tidak ada uang yang diambil. Kembali ke toko untuk membayar dengan cara lain.
expired-heading = Waktu habis
expired-text = Tidak ada uang yang diambil. Kembali ke toko untuk memulai lagi.
expired-late-text = Kami tidak mendapat kabar dari bank Anda tepat waktu.
cancelled-heading = Pembayaran dibatalkan
cancelled-text = Tidak ada uang yang diambil, sesuai permintaan Anda.
cancelled-late-text = Kami telah menghentikan pembayaran, sesuai permintaan Anda.
late = Jika bank Anda ternyata mengambil uangnya, uang itu kembali kepada Anda atau dihitung untuk pesanan ini, dan { $merchant } diberi tahu. Periksa rekening Anda sebelum membayar lagi.
failed-heading = Pembayaran gagal
failed-text = Gangguan teknis menghentikan pembayaran. Tidak ada uang yang diambil. Kembali ke toko untuk mencoba lagi.
pending-heading = Pembayaran tertunda
pending-text = Pembayaran ini belum diputuskan.

reason-refused = Ditolak oleh bank
reason-insufficient-funds = Ditolak oleh bank: saldo tidak cukup
reason-authentication-failed = Ditolak: bank tidak dapat memastikan bahwa itu Anda
reason-expired-card = Ditolak oleh bank: kartu sudah kedaluwarsa
reason-lost-card = Ditolak oleh bank: kartu dilaporkan hilang
reason-stolen-card = Ditolak oleh bank: kartu dilaporkan dicuri
reason-security-code = Ditolak oleh bank: kode keamanan salah
reason-limit-exceeded = Ditolak oleh bank: batas kartu atau rekening Anda tercapai
reason-not-permitted = Ditolak oleh bank: jenis pembayaran ini tidak diizinkan
reason-suspected-fraud = Ditolak oleh bank demi keamanan
reason-bank-unavailable = Ditolak: bank tidak dapat dihubungi
reason-cancelled = Ditolak: dibatalkan di bank

not-found-heading = Kami tidak mengenal pembayaran ini
not-found-text = Tidak ada pembayaran dengan nomor pada alamat ini.
not-found-advice = Kembali ke toko dan mulai lagi pembayarannya, atau buka tautan persis seperti yang diberikan toko. Tidak ada uang yang diambil karena membuka halaman ini.
too-many-heading = Terlalu banyak percobaan
too-many-text = Terlalu banyak nomor pembayaran tak dikenal yang diminta dari jaringan Anda.
too-many-advice = Tunggu satu menit, lalu buka lagi tautan dari toko.
cross-site-heading = Formulir ini berasal dari situs lain
cross-site-text = Untuk melindungi Anda, kami hanya menerima jawaban yang diberikan di halaman kami sendiri.
cross-site-advice = Tidak ada yang berubah. Buka pembayaran di sini dan jawab lagi.
too-large-heading = Itu terlalu banyak
too-large-text = Formulir yang tiba jauh lebih besar daripada sebuah kode.
too-large-advice = Tidak ada yang berubah. Buka lagi pembayarannya dan masukkan kodenya saja.
trouble-heading = Kami tidak dapat menampilkan halaman ini sekarang
trouble-text = Ada yang tidak berfungsi di sisi kami saat ini. Pembayaran Anda tidak hilang.
trouble-advice = Coba lagi sebentar lagi. Jangan memulai pembayaran kedua: toko akan tahu bagaimana akhir pembayaran ini, juga tanpa Anda.
